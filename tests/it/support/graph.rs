//! Pages, forms and leads as Graph is documented to serve them, written apart from the sandbox and stricter: it keeps every
//! request, and refuses one that Graph would not take or that says more than it should.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::listener::{Listener, Request};

/// The token of the system user.
pub const USER: &str = "EAAuserToken";

/// What it serves; changed by tests while it runs.
#[derive(Default)]
pub struct World {
    /// Forms: id, questions, leads.
    pub forms: Vec<(String, Value, Vec<Value>)>,
    /// Answers to give instead, each once: a part of the target, a status, headers, a body.
    pub instead: Vec<(String, u16, String, String)>,
}

/// A running server.
pub struct Graph {
    pub listener: Listener,
    pub world: Arc<Mutex<World>>,
}

impl Graph {
    pub fn start(world: World) -> Self {
        let world = Arc::new(Mutex::new(world));
        let shared = world.clone();
        let listener = Listener::answering_with_headers(move |request| {
            answer(&mut shared.lock().unwrap(), request)
        });
        Self { listener, world }
    }

    /// A Page with one form of these leads.
    pub fn of_leads(leads: Vec<Value>) -> Self {
        Self::start(World {
            forms: vec![("700".to_owned(), json!([]), leads)],
            instead: Vec::new(),
        })
    }

    /// Answers the next request whose target holds `part` with this error.
    pub fn fail(&self, part: &str, status: u16, headers: &str, error: Value) {
        let body = json!({ "error": error }).to_string();
        let mut world = self.world.lock().unwrap();
        world
            .instead
            .push((part.to_owned(), status, headers.to_owned(), body));
    }

    /// The targets asked for, without the version, decoded.
    pub fn targets(&self) -> Vec<String> {
        let requests = self.listener.requests();
        requests.iter().map(target).collect()
    }
}

fn target(request: &Request) -> String {
    let target = request.line.split(' ').nth(1).unwrap();
    let target = percent_encoding::percent_decode_str(target)
        .decode_utf8()
        .unwrap();
    target.trim_start_matches("/v25.0").replace('+', " ")
}

/// A lead of one person.
pub fn lead(id: &str, created: &str, email: &str) -> Value {
    json!({"id": id, "created_time": created, "is_organic": false, "platform": "fb", "ad_id": "55",
        "form_id": "700", "field_data": [{"name": "email", "values": [email]}]})
}

fn refuse(status: u16, code: u32, message: &str) -> (u16, String, String) {
    let error = json!({"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}});
    (status, String::new(), error.to_string())
}

fn answer(world: &mut World, request: &Request) -> (u16, String, String) {
    let whole = target(request);
    if let Some(at) = world
        .instead
        .iter()
        .position(|(part, ..)| whole.contains(part.as_str()))
    {
        let (_, status, headers, body) = world.instead.remove(at);
        return (status, headers, body);
    }
    if request.line.starts_with("POST") {
        return take_events(request);
    }
    let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
    let parameter = |name: &str| {
        let prefix = format!("{name}=");
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(prefix.as_str()))
    };
    assert!(!whole.contains("Token"), "a token in a URL: {whole}");
    assert!(!whole.contains("access_token="), "{whole}");
    let token = request.header("authorization").unwrap_or_default();
    let token = token.strip_prefix("Bearer ").unwrap_or_default();
    if token != USER && token != "pageToken" {
        return refuse(400, 190, "Invalid OAuth access token");
    }
    let fields = parameter("fields").unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let body = match segments[..] {
        ["me", "accounts"] => {
            json!({"data": [{"id": "100", "name": "Page", "access_token": "pageToken"}]})
        }
        ["100"] => json!({"id": "100", "name": "Page", "access_token": "pageToken"}),
        ["100", "leadgen_forms"] if token != "pageToken" => {
            return refuse(
                400,
                190,
                "This method must be called with a Page Access Token",
            );
        }
        ["100", "leadgen_forms"] => {
            let form = |(id, questions, leads): &(String, Value, Vec<Value>)| {
                let mut form = json!({"id": id, "name": format!("Form {id}"), "status": "ACTIVE", "leads_count": leads.len()});
                if fields.contains("questions{") {
                    form["questions"] = questions.clone();
                }
                form
            };
            json!({"data": world.forms.iter().map(form).collect::<Vec<_>>()})
        }
        [form, "leads"] => {
            let Some((_, _, leads)) = world.forms.iter().find(|(id, ..)| id == form) else {
                return refuse(400, 803, "Some of the aliases you requested do not exist");
            };
            page_of(leads, fields, parameter("after"), parameter("filtering"))
        }
        [id] => match (
            world.forms.iter().find(|(form, ..)| form == id),
            one_lead(world, id),
        ) {
            (Some((_, questions, _)), _) => {
                json!({"id": id, "name": format!("Form {id}"), "questions": questions})
            }
            (None, Some(lead)) => with_fields(lead, fields),
            (None, None) => {
                return refuse(400, 803, "Some of the aliases you requested do not exist");
            }
        },
        _ => return refuse(400, 2500, "Unknown path components"),
    };
    (200, String::new(), body.to_string())
}

/// Takes events as Meta does, and refuses the empty one that asks whether a request is sound.
fn take_events(request: &Request) -> (u16, String, String) {
    let events = request.events();
    let body = match events.iter().any(|event| event["event_name"].is_null()) {
        true => {
            let error = json!({"error": {"message": "Invalid parameter", "type": "OAuthException", "code": 100,
                "error_subcode": 2_804_019, "error_user_msg": "Missing key on param \"$['data'][0]['event_name']\"."}});
            return (400, String::new(), error.to_string());
        }
        false => json!({"events_received": events.len(), "messages": [], "fbtrace_id": "A"}),
    };
    (200, String::new(), body.to_string())
}

fn one_lead<'w>(world: &'w World, id: &str) -> Option<&'w Value> {
    let mut leads = world.forms.iter().flat_map(|(_, _, leads)| leads);
    leads.find(|lead| lead["id"] == id)
}

/// Without being asked Graph gives three of a lead's fields.
fn with_fields(lead: &Value, fields: &str) -> Value {
    let mut lead = lead.clone();
    let fields = match fields {
        "" => "id,created_time,field_data",
        fields => fields,
    };
    let fields: Vec<&str> = fields.split(',').collect();
    let members = lead.as_object_mut().unwrap();
    members.retain(|key, _| fields.contains(&key.as_str()));
    lead
}

/// Two leads a page, the last page with a cursor but without `next`.
fn page_of(leads: &[Value], fields: &str, after: Option<&str>, filtering: Option<&str>) -> Value {
    let from = filtering.map_or(i64::MIN, |text| {
        let filters: Value = serde_json::from_str(text).unwrap();
        assert_eq!(filters[0]["field"], "time_created");
        assert_eq!(filters[0]["operator"], "GREATER_THAN_OR_EQUAL");
        filters[0]["value"].as_i64().unwrap()
    });
    let created = |lead: &Value| {
        let text = lead["created_time"]
            .as_str()
            .unwrap_or("1970-01-01T00:00:00+0000");
        let text = text.replace("+0000", "Z");
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    };
    let leads: Vec<&Value> = leads.iter().filter(|lead| created(lead) >= from).collect();
    let first: usize = after.map_or(0, |cursor| {
        cursor.strip_prefix("cursor").unwrap().parse().unwrap()
    });
    let end = (first + 2).min(leads.len());
    let data = leads[first..end].iter();
    let data: Vec<Value> = data.map(|lead| with_fields(lead, fields)).collect();
    let mut paging =
        json!({"cursors": {"before": format!("cursor{first}"), "after": format!("cursor{end}")}});
    if end < leads.len() {
        paging["next"] =
            format!("https://leads.invalid/?access_token={USER}&after=cursor{end}").into();
    }
    json!({"data": data, "paging": paging})
}
