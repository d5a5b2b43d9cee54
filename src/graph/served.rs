//! Which version of the API really answered, and whether Meta calls it deprecated.
//!
//! A version that has ended is served by the next that lives, so the one in the path says little.

use reqwest::header::HeaderMap;

use super::fault::shown;

/// What headers say of the version that answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Such as `v25.0`; nothing when no answer named one.
    pub version: Option<String>,
    /// What Meta says against it.
    pub warning: Option<String>,
}

impl Served {
    /// What an answer says.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut served = Self::default();
        served.read(headers);
        served
    }

    /// Adds what an answer says.
    pub(crate) fn read(&mut self, headers: &HeaderMap) {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok().map(shown);
            value.filter(|text| !text.is_empty())
        };
        self.version = text("facebook-api-version").or(self.version.take());
        self.warning = text("x-ad-api-version-warning").or(self.warning.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_that_names_a_version_counts() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (name.parse().unwrap(), value.parse().unwrap())
            };
            pairs.iter().map(pair).collect()
        };
        let mut served = Served::of(&headers(&[("facebook-api-version", "v23.0")]));
        served.read(&headers(&[]));
        served.read(&headers(&[(
            "x-ad-api-version-warning",
            "The call has been auto-upgraded to v24.0",
        )]));
        assert_eq!(served.version.as_deref(), Some("v23.0"));
        assert!(served.warning.unwrap().contains("v24.0"));
    }
}
