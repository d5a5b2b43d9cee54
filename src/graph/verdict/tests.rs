use super::*;
use crate::graph::answer::Insecure;

fn judged(status: u16, body: &str) -> Verdict {
    verdict(status, &HeaderMap::new(), body.as_bytes(), 20)
}

/// The verdict in a word, for tables.
fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted(_) => "accepted".into(),
        Verdict::Miscounted(_) => "miscounted".into(),
        Verdict::Retry(retry) => {
            let fate = if retry.fate == Fate::Unknown {
                "maybe"
            } else {
                "not"
            };
            format!("{:?} {fate}", retry.why).to_lowercase()
        }
        Verdict::Split(_) => "split".into(),
        Verdict::TooOld(_) => "too old".into(),
        Verdict::Unclear(_) => "unclear".into(),
        Verdict::Refuse { index, .. } => format!("refuse {index}"),
        Verdict::Stop(stop) => format!("{:?}", stop.barrier).to_lowercase(),
    }
}

#[test]
fn every_code_of_the_table_has_its_verdict() {
    let throttles = [4, 17, 32, 341, 613]
        .into_iter()
        .chain(80_000..=80_014)
        .map(|code| (code, None, "throttled not"));
    let tokens = [102, 190].map(|code| (code, None, "token"));
    let requests = [100, 12, 101, 103, 2500].map(|code| (code, None, "request"));
    let subcodes = [458, 459, 460, 463, 464, 467, 492].map(|subcode| (190, Some(subcode), "token"));
    let permissions = [3, 10, 294]
        .into_iter()
        .chain(200..=299)
        .map(|code| (code, None, "permission"));
    let payload = [
        2804001, 2804004, 2804008, 2804009, 2804016, 2804023, 2804036, 2804050, 2804064, 2804066,
        2804099,
    ]
    .map(|subcode| (100, Some(subcode), "split"));
    let others = [
        (104, None, "proof"),
        (412, None, "proof"),
        (5, None, "address"),
        (100, Some(2804003), "too old"),
        (803, None, "dataset"),
        (100, Some(33), "dataset"),
        (2635, None, "version"),
        (368, None, "policy"),
        (2, None, "transient maybe"),
        (-1, None, "transient maybe"),
        (-3, None, "transient maybe"),
        (21009, None, "transient not"),
        (1, None, "unexplained maybe"),
        (5000, None, "unexplained maybe"),
        (100, Some(2804019), "split"),
        (100, Some(1), "unclear"),
        (100, Some(2805000), "unclear"),
        (4711, None, "unclear"),
        (80_015, None, "unclear"),
        (300, None, "unclear"),
    ];
    let rows = throttles
        .chain(tokens)
        .chain(requests)
        .chain(subcodes)
        .chain(permissions)
        .chain(payload)
        .chain(others);
    for (code, subcode, expected) in rows {
        let subcode = subcode.map_or("null".into(), |subcode: i64| subcode.to_string());
        let body = format!(
            r#"{{"error":{{"message":"?","type":"OAuthException","code":{code},"error_subcode":{subcode}}}}}"#
        );
        assert_eq!(word(&judged(400, &body)), expected, "{body}");
        // Meta's own codes go before the status, whatever it is.
        if expected != "unclear" {
            for status in [200, 401, 403, 429, 500, 503] {
                assert_eq!(word(&judged(status, &body)), expected, "{status} {body}");
            }
        }
    }
}

#[test]
fn an_unknown_code_is_judged_by_its_status() {
    let body = r#"{"error":{"code":4711}}"#;
    for (status, expected) in [
        (400, "unclear"),
        (404, "unclear"),
        (200, "unclear"),
        (403, "permission"),
        (401, "token"),
        (429, "throttled not"),
        (500, "transient maybe"),
        (503, "transient maybe"),
    ] {
        assert_eq!(word(&judged(status, body)), expected, "{status}");
    }
}

#[test]
fn a_wrong_or_missing_proof_is_told_by_the_type_of_the_error() {
    let body = r#"{"error":{"message":"API calls from the server require an appsecret_proof argument","type":"GraphMethodException","code":100}}"#;
    for status in [400, 403] {
        assert_eq!(word(&judged(status, body)), "proof");
    }
    let body = r#"{"error":{"message":"(#100) The parameter data is required","type":"OAuthException","code":100,"error_subcode":0}}"#;
    assert_eq!(word(&judged(400, body)), "request");
    let Verdict::Stop(stop) = judged(400, r#"{"error":{"code":104}}"#) else {
        panic!()
    };
    let help = stop.barrier.help();
    assert!(
        help.contains("app that issued the token") && help.contains("unset CRM2CAPI_APP_SECRET")
    );
}

#[test]
fn is_transient_goes_before_a_payload_code_but_not_before_the_token() {
    let body = |code: i64| format!(r#"{{"error":{{"code":{code},"is_transient":true}}}}"#);
    assert_eq!(word(&judged(400, &body(100))), "transient not");
    assert_eq!(word(&judged(500, &body(1))), "transient maybe");
    assert_eq!(word(&judged(400, &body(190))), "token");
    assert_eq!(word(&judged(400, &body(17))), "throttled not");
}

#[test]
fn answers_that_are_not_the_graph_apis_are_judged_by_their_status() {
    for (status, body, expected) in [
        (200, "<html>Sign in to the network</html>", "noanswer maybe"),
        (200, "Service Unavailable", "noanswer maybe"),
        (200, "", "noanswer maybe"),
        (200, "{}", "noanswer maybe"),
        (200, "[]", "noanswer maybe"),
        (200, r#"{"events_received":null}"#, "noanswer maybe"),
        (200, r#"{"events_received":20,"error":null}"#, "accepted"),
        (200, r#"{"events_rec"#, "noanswer maybe"),
        (302, "", "noanswer not"),
        (400, "<html>", "noanswer maybe"),
        (401, "<html>", "token"),
        (404, "not found", "noanswer maybe"),
        (407, "who are you?", "noanswer not"),
        (413, "<html>", "split"),
        (429, "slow down", "throttled not"),
        (500, "", "noanswer maybe"),
        (500, r#"{"events_received":20}"#, "noanswer maybe"),
        (502, "<html>Bad gateway</html>", "noanswer maybe"),
        (503, r#"{"error":"unavailable"}"#, "noanswer maybe"),
        (504, r#"{"error":{"message":"no code"}}"#, "noanswer maybe"),
    ] {
        assert_eq!(word(&judged(status, body)), expected, "{status} {body}");
    }
    // One event is too small to be too large for anything.
    let alone = verdict(413, &HeaderMap::new(), b"<html>", 1);
    assert_eq!(word(&alone), "noanswer not");
}

#[test]
fn a_receipt_counts_what_was_sent() {
    let receipt = judged(
        200,
        r#"{"events_received":20,"messages":["careful\u0007"],"fbtrace_id":"Tr4ce"}"#,
    );
    let expected = Receipt {
        fbtrace_id: Some("Tr4ce".into()),
        messages: vec!["careful".into()],
    };
    assert_eq!(receipt, Verdict::Accepted(expected));
    for count in ["19", "21", "0", "-1", "\"7\""] {
        assert_eq!(
            word(&judged(200, &format!(r#"{{"events_received":{count}}}"#))),
            "miscounted"
        );
    }
    assert_eq!(
        word(&judged(200, r#"{"events_received":"20","messages":[]}"#)),
        "accepted"
    );
}

#[test]
fn a_schema_error_names_the_event_by_its_path() {
    let error =
        |rest: &str| format!(r#"{{"error":{{"code":100,"error_subcode":2804019,{rest}}}}}"#);
    for (rest, expected) in [
        (
            r#""error_user_msg":"Unexpected key \"index\" on param \"$['data'][17]['custom_data']\".""#,
            "refuse 17",
        ),
        (
            r#""error_user_msg":"$['data'][0]['user_data']""#,
            "refuse 0",
        ),
        (
            r#""error_user_msg":"?","message":"param $['data'][3] is wrong""#,
            "refuse 3",
        ),
        (r#""error_data":"{\"blame\":\"$['data'][4]\"}""#, "refuse 4"),
        (r#""error_data":{"blame":"$['data'][5]['ph']"}"#, "refuse 5"),
        (r#""error_user_msg":"$['data'][20]""#, "split"),
        (
            r#""error_user_msg":"$['data'][99999999999999999999999]""#,
            "split",
        ),
        (r#""error_user_msg":"$['data'][-1]""#, "split"),
        (r#""error_user_msg":"$['data'] must be an array""#, "split"),
        (r#""error_user_msg":null"#, "split"),
    ] {
        assert_eq!(word(&judged(400, &error(rest))), expected, "{rest}");
    }
}

#[test]
fn a_throttle_carries_the_time_its_headers_name() {
    let body =
        br#"{"error":{"message":"User request limit reached","type":"OAuthException","code":17}}"#;
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-ad-account-usage",
        r#"{"acc_id_util_pct":100,"reset_time_duration":120}"#
            .parse()
            .unwrap(),
    );
    let Verdict::Retry(retry) = verdict(400, &headers, body, 1) else {
        panic!()
    };
    assert_eq!(
        (retry.why, retry.wait),
        (Why::Throttled, Some(Duration::from_secs(120)))
    );
    let odd = br#"{"error":{"code":613,"error_subcode":1996}}"#;
    let Verdict::Retry(retry) = verdict(400, &HeaderMap::new(), odd, 1) else {
        panic!()
    };
    assert_eq!(retry.wait, Some(Duration::from_secs(300)));
}

#[test]
fn a_proxy_may_ask_for_time() {
    let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, "30".parse().unwrap())]);
    for status in [429, 503] {
        let Verdict::Retry(retry) = verdict(status, &headers, b"<html>", 1) else {
            panic!()
        };
        assert_eq!(retry.wait, Some(Duration::from_secs(30)));
    }
}

#[test]
fn the_recorded_bodies_are_understood() {
    let accepted = br#"{"events_received":1,"messages":[],"fbtrace_id":"ATHEd8F7ddsITPV0fE5TWjY"}"#;
    let receipt = Receipt {
        fbtrace_id: Some("ATHEd8F7ddsITPV0fE5TWjY".into()),
        messages: Vec::new(),
    };
    assert_eq!(
        verdict(200, &HeaderMap::new(), accepted, 1),
        Verdict::Accepted(receipt)
    );
    for (body, expected) in [
        (
            r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804003,"is_transient":false,"error_user_title":"Event Timestamp Too Old","error_user_msg":"The timestamp for this event is too far in the past. Events need to be sent from your server within 7 days of when they occurred. Enter a timestamp that has occurred within the last 7 days.","fbtrace_id":"A6UyEgg_HdoiRX9duxcBOjb"}}"#,
            "too old",
        ),
        (
            r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804036,"is_transient":false,"error_user_title":"ID contatto non valido","error_user_msg":"…","fbtrace_id":"x"}}"#,
            "split",
        ),
        (
            r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804019,"is_transient":false,"error_user_title":"Parameterfehler bei serverseitiger API","error_user_msg":"Unexpected key \"index\" on param \"$['data'][0]['custom_data']['contents'][0]\"."}}"#,
            "refuse 0",
        ),
        (
            r#"{"error":{"message":"Invalid OAuth access token - Cannot parse access token","type":"OAuthException","code":190,"fbtrace_id":"ArrDTKwNSI_BDSmS3-M4h56"}}"#,
            "token",
        ),
        (
            r#"{"error":{"message":"Error validating access token: Session has expired","type":"OAuthException","code":190,"error_subcode":463,"fbtrace_id":"EJplcsCHuLu"}}"#,
            "token",
        ),
        (
            r#"{"error":{"message":"Unsupported post request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation.","type":"GraphMethodException","code":100,"error_subcode":33}}"#,
            "dataset",
        ),
        (
            r#"{"error":{"message":"User request limit reached","type":"OAuthException","code":17}}"#,
            "throttled not",
        ),
        (
            r#"{"error":{"message":"(#21009) The data set upload is temporarily not ready.","type":"OAuthException","code":21009,"fbtrace_id":"dDu39o39lkeo8"}}"#,
            "transient not",
        ),
    ] {
        assert_eq!(word(&judged(400, body)), expected, "{body}");
    }
    let Verdict::Split(fault) = judged(
        400,
        r#"{"error":{"code":100,"error_subcode":2804036,"error_user_title":"ID contatto non valido","fbtrace_id":"x"}}"#,
    ) else {
        panic!()
    };
    assert_eq!(
        (fault.title.as_deref(), fault.fbtrace_id.as_deref()),
        (Some("ID contatto non valido"), Some("x"))
    );
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic_and_none_but_a_receipt_is_a_success(status in 100u16..600, body: Vec<u8>) {
        proptest::prop_assert!(!matches!(verdict(status, &HeaderMap::new(), &body, 1), Verdict::Accepted(_)));
    }
}

#[test]
fn without_an_answer_only_a_request_that_never_left_was_certainly_not_processed() {
    for (silence, expected) in [
        (Silence::NameUnknown, "noanswer not"),
        (Silence::NotConnected, "noanswer not"),
        (Silence::NotSecure(Insecure::Expired), "noanswer not"),
        (Silence::Proxy(ProxyFault::Refused), "noanswer not"),
        (Silence::TimedOut, "noanswer maybe"),
        (Silence::Broken, "noanswer maybe"),
    ] {
        assert_eq!(word(&judge(&Err(silence), 1)), expected);
    }
}
