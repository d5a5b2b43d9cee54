//! `crm2capi build`: prints the payloads instead of sending them.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;

use super::each::each_run;
use super::show::note_problems;
use crate::cli::{BuildArgs, PayloadFormat};
use crate::config::{self, ReportTarget, SettingsFile};
use crate::report::ExitStatus;
use crate::run::{self, Prepared};

pub(super) fn run(args: &BuildArgs) -> Result<ExitStatus> {
    each_run(&args.read, None, |config| Ok((None, build(args, config)?)))
}

fn build(args: &BuildArgs, config: Option<&Path>) -> Result<ExitStatus> {
    let file = SettingsFile::load(config)?;
    let read = config::read_settings(&args.read, &file)?;
    config::refuse_overlap(&read, &file, None, None, &ReportTarget::default())?;
    let batch_size = config::batch_size(args.batch_size, &file)?;
    let frame = Frame::new(args.format, batch_size, || {
        let dataset = config::dataset_id(args.read.settings.dataset_id.as_deref(), &file)?;
        let version = config::api_version(&args.read.version, &file)?;
        let graph_url = config::graph_url(None, &file)?;
        let dataset = dataset.unwrap_or_else(|| "$CRM2CAPI_DATASET_ID".to_owned());
        Ok(format!(
            "{graph_url}/{version}/{dataset}/events?locale=en_US"
        ))
    })?;
    let mut payloads = Payloads {
        out: BufWriter::new(std::io::stdout().lock()),
        frame,
        in_batch: 0,
    };
    let limit = args.limit.unwrap_or(u64::MAX);
    let summary = run::build(&read, limit, &mut |prepared, picked| {
        payloads.write(prepared, picked)
    })?;
    payloads.finish()?;
    note_problems(&summary);
    Ok(summary.exit_status)
}

/// What stands around the events.
enum Frame {
    /// A line feed behind each.
    Lines,
    /// A request body around each batch.
    Bodies { size: usize },
    /// A command around each batch.
    Commands { size: usize, url: String },
}

impl Frame {
    fn new(
        format: PayloadFormat,
        size: usize,
        url: impl FnOnce() -> Result<String>,
    ) -> Result<Self> {
        Ok(match format {
            PayloadFormat::Ndjson => Frame::Lines,
            PayloadFormat::Json => Frame::Bodies { size },
            PayloadFormat::Curl => Frame::Commands { size, url: url()? },
        })
    }
}

struct Payloads<W: Write> {
    out: BufWriter<W>,
    frame: Frame,
    in_batch: usize,
}

impl<W: Write> Payloads<W> {
    fn write(&mut self, prepared: &Prepared, picked: &[usize]) -> Result<()> {
        let size = match self.frame {
            // The old ones have no JSON, so with no event left out the chunk is its events one a line already.
            Frame::Lines
                if picked.len() == prepared.events.iter().filter(|event| !event.is_old).count() =>
            {
                return Ok(self.out.write_all(&prepared.json)?);
            }
            Frame::Lines => usize::MAX,
            Frame::Bodies { size } | Frame::Commands { size, .. } => size,
        };
        for &index in picked {
            let json = prepared.json_of(index);
            if matches!(self.frame, Frame::Lines) {
                self.out.write_all(json)?;
                self.out.write_all(b"\n")?;
                continue;
            }
            if self.in_batch == size {
                self.end_batch()?;
            }
            self.begin_event()?;
            self.write_json(json)?;
        }
        Ok(())
    }

    fn begin_event(&mut self) -> Result<()> {
        match &self.frame {
            _ if self.in_batch > 0 => self.out.write_all(b",")?,
            Frame::Commands { url, .. } => write!(
                self.out,
                "curl -sS \"{url}\" -H \"Authorization: Bearer $CRM2CAPI_ACCESS_TOKEN\" \
                 -H 'Content-Type: application/json' --data-binary '{{\"data\":["
            )?,
            _ => self.out.write_all(b"{\"data\":[")?,
        }
        self.in_batch += 1;
        Ok(())
    }

    /// The event; inside of a command an apostrophe must leave the quotes to be one.
    fn write_json(&mut self, json: &[u8]) -> Result<()> {
        if !matches!(self.frame, Frame::Commands { .. }) {
            return Ok(self.out.write_all(json)?);
        }
        for (index, part) in json.split(|&byte| byte == b'\'').enumerate() {
            if index > 0 {
                self.out.write_all(br"'\''")?;
            }
            self.out.write_all(part)?;
        }
        Ok(())
    }

    fn end_batch(&mut self) -> Result<()> {
        self.in_batch = 0;
        let end: &[u8] = if matches!(self.frame, Frame::Commands { .. }) {
            b"]}'\n"
        } else {
            b"]}\n"
        };
        Ok(self.out.write_all(end)?)
    }

    fn finish(mut self) -> Result<()> {
        if self.in_batch > 0 {
            self.end_batch()?;
        }
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::KeySet;
    use crate::event::Fingerprint;
    use crate::mapping::NameId;
    use crate::run::rows::PreparedEvent;

    fn payloads(frame: Frame, events: &[&str]) -> String {
        let mut prepared = Prepared::default();
        for json in events {
            let start = prepared.json.len() as u32;
            prepared.json.extend_from_slice(json.as_bytes());
            prepared.json.push(b'\n');
            prepared.events.push(PreparedEvent {
                json: start..prepared.json.len() as u32,
                fingerprint: Fingerprint([0; 16]),
                name: NameId(0),
                time: 0,
                worth: None,
                is_joined: false,
                created: None,
                lead: 0,
                row: 2,
                of_given_id: None,
                is_old: false,
                keys: KeySet::default(),
                link: Default::default(),
                id_time: 0,
                identities: 0..0,
                sighting: None,
            });
        }
        let mut out = Vec::new();
        let mut payloads = Payloads {
            out: BufWriter::new(&mut out),
            frame,
            in_batch: 0,
        };
        payloads
            .write(&prepared, &(0..events.len()).collect::<Vec<_>>())
            .unwrap();
        payloads.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn bodies_hold_a_batch_each() {
        let bodies = payloads(Frame::Bodies { size: 2 }, &["1", "2", "3"]);
        assert_eq!(bodies, "{\"data\":[1,2]}\n{\"data\":[3]}\n");
        assert_eq!(payloads(Frame::Bodies { size: 2 }, &[]), "");
    }

    #[test]
    fn an_apostrophe_does_not_end_the_command() {
        let command = payloads(
            Frame::Commands {
                size: 9,
                url: "u".into(),
            },
            &["\"O'Neill\""],
        );
        assert!(
            command.ends_with("--data-binary '{\"data\":[\"O'\\''Neill\"]}'\n"),
            "{command}"
        );
    }
}
