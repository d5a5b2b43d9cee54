//! The examples of scheduled use and of pipelines: their command lines are understood, and quiet means quiet.

use crate::support::listener::Listener;
use crate::support::{Desk, NOW, repository};

fn example(path: &str) -> String {
    std::fs::read_to_string(repository(&format!("examples/{path}"))).unwrap()
}

#[track_caller]
fn assert_understood<'a>(words: impl IntoIterator<Item = &'a str>) {
    let words: Vec<&str> = words.into_iter().collect();
    assert!(words[0].ends_with("crm2capi"), "{words:?}");
    crm2capi::command()
        .try_get_matches_from(&words)
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
}

#[test]
fn the_crontab_calls_commands_that_there_are() {
    let crontab = example("cron");
    let lines: Vec<_> = crontab
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    assert_eq!(lines.len(), 2);
    // Five times and a user stand before the command.
    lines
        .iter()
        .for_each(|line| assert_understood(line.split_whitespace().skip(6)));
}

#[test]
fn the_services_call_commands_that_there_are() {
    for service in [
        "systemd/crm2capi.service",
        "systemd/crm2capi-watch.service",
        "serve/crm2capi-serve.service",
    ] {
        let service = example(service).replace("\\\n", " ");
        let command = service
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart="))
            .unwrap();
        assert_understood(command.split_whitespace());
    }
    assert!(example("systemd/crm2capi.timer").contains("Persistent=true"));
}

#[test]
fn what_runs_on_kubernetes_calls_a_command_that_there_is() {
    for file in ["kubernetes-cronjob.yaml", "serve/kubernetes.yaml"] {
        let job = example(file);
        let (_, args) = job.split_once("args:\n").unwrap();
        let args = args
            .lines()
            .map_while(|line| line.trim_start().strip_prefix("- "));
        assert_understood(std::iter::once("crm2capi").chain(args));
    }
}

#[test]
fn the_pipelines_call_commands_that_there_are() {
    let gitlab = example("ci/gitlab-validate.yml");
    let commands: Vec<_> = gitlab
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- "))
        .filter(|line| line.starts_with("crm2capi "))
        .collect();
    assert!(!commands.is_empty());
    commands
        .iter()
        .for_each(|command| assert_understood(command.split_whitespace()));
    assert!(example("ci/github-validate.yml").contains("/.github/actions/validate@"));
}

#[test]
fn a_quiet_status_speaks_only_when_an_upload_is_late() {
    let desk = Desk::new();
    let server = Listener::accepting();
    let export = repository("examples/hubspot.csv");
    let upload = [
        "upload",
        "--dataset-id",
        "123456789012345",
        "--graph-url",
        &server.url,
        "--now",
        NOW,
        &export,
    ];
    desk.run_with(&upload, &[("CRM2CAPI_ACCESS_TOKEN", "t")])
        .ended(0);

    let status = ["status", "--quiet", "--max-age", "26h", "--now"];
    let ran = desk
        .run(&[&status[..], &["2026-11-22T16:00:00Z"]].concat())
        .ended(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = desk
        .run(&[&status[..], &["2026-11-23T16:00:00Z"]].concat())
        .ended(1);
    assert!(ran.stderr.contains("--max-age is 26h"), "{}", ran.stderr);
}

#[test]
fn status_marks_rehearsals_and_says_whose_lines_they_are_and_what_a_phone_lacks() {
    let desk = Desk::new();
    let sandbox = crate::support::sandbox::Sandbox::start(&desk, &["--now", NOW]);
    desk.file(
        "crm.csv",
        "email,event_name,event_time\nava@example.com,Lead,2026-11-20T10:00:00Z\n",
    );
    let url = format!("graph_url = {:?}", sandbox.url);
    for (name, dataset) in [("a.toml", "111111111111111"), ("b.toml", "222222222222222")] {
        let meta = format!("[meta]\ndataset_id = \"{dataset}\"\n{url}\n");
        desk.file(name, meta);
    }
    let both = [
        "--config", "a.toml", "--config", "b.toml", "--ledger", "ledger", "--now", NOW,
    ];
    let upload = [&["upload"], &both[..], &["crm.csv"]].concat();
    desk.run_with(&upload, &[("CRM2CAPI_ACCESS_TOKEN", "any")])
        .ended(0);
    let said = desk.run(&[&["status"], &both[..]].concat()).ended(0).stdout;
    for whose in [
        "a.toml, dataset 111111111111111",
        "b.toml, dataset 222222222222222",
    ] {
        assert!(said.contains(whose), "{said}");
    }
    assert_eq!(said.matches("a rehearsal").count(), 2, "{said}");
    let page = [
        "status",
        "--ledger",
        "ledger",
        "--now",
        NOW,
        "--report",
        "status.html",
    ];
    desk.run(&page).ended(0);
    let page = std::fs::read_to_string(desk.path().join("status.html")).unwrap();
    assert_eq!(page.matches("status 0, all done; a rehearsal").count(), 2);
    let status = ["status", "--ledger", "ledger", "--now", NOW, "--lead"];
    for (phone, more, ends) in [
        ("030 23125077", &[][..], 2),
        ("030 23125077", &["--default-country", "DE"], 1),
        ("+49 30 23125077", &[], 1),
    ] {
        let ran = desk
            .run(&[&status[..], &[phone], more].concat())
            .ended(ends);
        assert_eq!(
            ran.stderr.contains("--default-country"),
            ends == 2,
            "{phone} {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("23125077"), "{}", ran.stderr);
    }
}

#[test]
fn several_settings_are_a_run_each_and_the_worst_status_is_that_of_all() {
    const EXPORT: &str = "email,stage,stage_date\nada.nunn@example.com,Lead,2026-11-20T10:00:00Z\n";
    let (desk, server) = (Desk::new(), Listener::accepting());
    for (name, files) in [
        ("one", "one.csv"),
        ("two", "none.csv"),
        ("three", "three.csv"),
    ] {
        let settings = format!("[input]\nfiles = [\"{files}\"]\n[crm]\nname = \"{name}\"\n");
        desk.file(&format!("{name}.toml"), settings);
        desk.file(&format!("{name}.csv"), EXPORT);
    }
    let upload = |more: &[&str]| {
        let all = [
            &[
                "upload",
                "--now",
                NOW,
                "--dataset-id",
                "123",
                "--graph-url",
                &server.url,
            ],
            &[
                "--config",
                "one.toml",
                "--config",
                "two.toml",
                "--config",
                "three.toml",
            ][..],
            more,
        ];
        desk.run_with(&all.concat(), &[("CRM2CAPI_ACCESS_TOKEN", "EAABtoken")])
    };
    let ran = upload(&[]).ended(2);
    let lines: Vec<_> = ran.stdout.lines().rev().take(3).collect();
    assert!(
        lines[2].starts_with("one.toml: status 0, 1 event accepted"),
        "{}",
        ran.stdout
    );
    assert!(lines[1].starts_with("two.toml: status 2, ") && lines[1].contains("none.csv"));
    assert!(lines[0].starts_with("three.toml: status 0, "));
    assert_eq!(
        ran.stderr
            .lines()
            .filter(|line| line.starts_with("error:"))
            .count(),
        1
    );

    // What there is once cannot serve three runs.
    for once in [
        &["--rejects", "no.csv"][..],
        &["--report", "a.json"],
        &["--metrics-file", "m.prom"],
        &["--leads", "one.csv", "--leads-missing", "missing.csv"],
        &["-"],
    ] {
        let ran = upload(once).ended(2);
        assert!(
            ran.stderr.contains("--config is a run of its own"),
            "{}",
            ran.stderr
        );
    }

    // Nor may two of them name one file to write.
    for (name, rejects) in [("one", "rejects.csv"), ("three", "./rejects.csv")] {
        let files = format!("[input]\nfiles = [\"{name}.csv\"]\n");
        let settings = format!("{files}[output]\nrejects = \"{rejects}\"\n");
        desk.file(&format!("{name}.toml"), settings);
    }
    let ran = upload(&[]).ended(2);
    assert!(
        ran.stderr
            .contains("one.toml and rejects under [output] of three.toml are the same file"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn the_clients_of_an_agency_are_uploaded_by_one_line() {
    let (desk, server) = (Desk::new(), Listener::accepting());
    let folders = ["agency/tokens", "agency/state", "agency/rejects"];
    for folder in folders {
        std::fs::create_dir_all(desk.path().join(folder)).unwrap();
    }
    for client in ["acme", "bolt", "cora"] {
        let settings = format!("agency/{client}.toml");
        desk.file(&settings, example(&settings));
        desk.file(&format!("agency/tokens/{client}"), format!("EAAB{client}"));
    }
    for export in ["hubspot.csv", "zoho.csv", "pipedrive.csv"] {
        desk.file(export, example(export));
    }
    let cron = example("agency/cron");
    let (_, line) = cron.rsplit_once("&& ").unwrap();
    let args: Vec<&str> = line
        .split_whitespace()
        .skip(1)
        .filter(|arg| *arg != "--quiet")
        .collect();
    let upload = || {
        let mut command = desk.command(&args);
        command.args(["--now", NOW, "--graph-url", &server.url]);
        let output = command.current_dir(desk.path().join("agency")).output();
        crate::support::Ran::of(&args, output.unwrap())
    };
    let lines_of = |ran: &crate::support::Ran| -> Vec<String> {
        ran.stdout
            .lines()
            .rev()
            .take(3)
            .map(str::to_owned)
            .collect()
    };
    let first = upload();
    let lines = lines_of(&first);
    for (line, client) in lines.iter().rev().zip(["acme", "bolt", "cora"]) {
        assert!(
            line.starts_with(&format!("{client}.toml: status ")),
            "{}",
            first.stdout
        );
        assert!(
            line.contains("accepted"),
            "{}\n{}",
            first.stdout,
            first.stderr
        );
    }
    // Each token went with the events of its own dataset, and the second run sends nothing.
    let requests = server.requests();
    for (dataset, client) in [("341", "acme"), ("342", "bolt"), ("343", "cora")] {
        let path = format!("/123456789012{dataset}/events");
        let of_client = requests
            .iter()
            .filter(|request| request.line.contains(&path));
        let tokens: Vec<_> = of_client
            .map(|request| request.header("authorization").unwrap())
            .collect();
        let token = format!("Bearer EAAB{client}");
        assert!(!tokens.is_empty() && tokens.iter().all(|sent| **sent == token));
    }
    let lines = lines_of(&upload());
    assert!(
        lines.iter().all(|line| line.contains("nothing to send")),
        "{lines:?}"
    );
    assert_eq!(server.requests().len(), requests.len());
}
