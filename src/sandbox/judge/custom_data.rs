//! The rules for `custom_data`: money that can be counted and products that can be told. Other keys are free.
//!
//! In: the object and the event's name. Out: nothing, or the first refusal.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/custom-data>

use serde_json::Value;

use super::super::answer::{self, Refusal};
use super::shape::{Object, Place};

const CONTENT_KEYS: [&str; 8] = [
    "id",
    "quantity",
    "item_price",
    "title",
    "description",
    "brand",
    "category",
    "delivery_category",
];
const DELIVERY_CATEGORIES: [&str; 3] = ["in_store", "curbside", "home_delivery"];

pub(super) fn judge(custom_data: Object<'_>, event_name: &str) -> Result<(), Refusal> {
    for key in ["value", "net_revenue", "predicted_ltv", "num_items"] {
        custom_data.check_number(key)?;
    }
    let texts = [
        "content_name",
        "content_category",
        "content_type",
        "order_id",
        "status",
        "search_string",
    ];
    for key in texts
        .into_iter()
        .chain(["item_number", "event_source", "lead_event_source"])
    {
        custom_data.check_text(key)?;
    }
    judge_delivery_category(custom_data)?;
    if let Some(contents) = custom_data.get("contents") {
        judge_contents(contents, &custom_data.at("contents"))?;
    }

    let currency = custom_data.string("currency")?;
    if currency
        .is_some_and(|code| iso_currency::Currency::from_code(&code.to_ascii_uppercase()).is_none())
    {
        return Err(answer::CURRENCY);
    }
    let has_value = custom_data.get("value").is_some();
    if event_name == "Purchase" && !has_value {
        return Err(answer::PURCHASE_WITHOUT_VALUE);
    }
    if has_value && currency.is_none() {
        return Err(answer::CURRENCY);
    }
    Ok(())
}

fn judge_contents(contents: &Value, place: &Place<'_>) -> Result<(), Refusal> {
    let products = contents.as_array().ok_or(answer::CONTENTS)?;
    for (index, product) in products.iter().enumerate() {
        let place = Place::Item(place, index);
        let product = Object::new(product, &place).map_err(|_| answer::CONTENTS)?;
        product.allow_only(&CONTENT_KEYS)?;
        for key in ["id", "title", "description", "brand", "category"] {
            product.check_text(key)?;
        }
        for key in ["quantity", "item_price"] {
            product.check_number(key)?;
        }
        judge_delivery_category(product)?;
    }
    Ok(())
}

fn judge_delivery_category(object: Object<'_>) -> Result<(), Refusal> {
    match object.string("delivery_category")? {
        Some(category) if !DELIVERY_CATEGORIES.contains(&category) => Err(object
            .at("delivery_category")
            .must_be("one of in_store, curbside, home_delivery")),
        _ => Ok(()),
    }
}
