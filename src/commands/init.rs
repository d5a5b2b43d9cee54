//! `crm2capi init FILE`: looks at an export, says how it is understood, and writes the settings for it.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::talk;
use crate::cli::{DEFAULT_SETTINGS, FormatArgs, InitArgs, PlainFormat, ReadArgs};
use crate::config::{self, SettingsFile};
use crate::files::folder_of;
use crate::inspect::{Completeness, Given, Request, draw_up};
use crate::report::ExitStatus;
use crate::run::Feed;
use crate::source::Input;
use crate::text::HarmlessLines;

pub(super) fn run(args: &InitArgs) -> Result<ExitStatus> {
    check_place(&args.output, args.force)?;
    let no_file = SettingsFile::default();
    let spool = Spool::of_stream(&args.file)?;
    let path = spool.as_ref().map_or(&args.file, |spool| &spool.path);
    let name = match args.file.as_os_str() == "-" {
        true => Input::Stdin.to_string(),
        false => args.file.display().to_string(),
    };
    let request = Request {
        input: Input::File(path.clone()),
        read: config::named_settings(&read_args(args, path), &no_file)?,
        crm: args.layout.crm.clone(),
        given: given(
            args,
            config::dataset_id(args.dataset_id.as_deref(), &no_file)?,
        ),
        export: spool.as_ref().map_or(name.clone(), |_| "FILE".to_owned()),
        name,
        output: &args.output,
        is_usual_place: args.output == Path::new(DEFAULT_SETTINGS),
        may_ask: !args.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
        check_dataset_id: &|text| config::dataset_id(Some(text), &no_file).map(|_| ()),
    };
    draw_up(
        request,
        &mut HarmlessLines::new(talk::stdout(PlainFormat::Human)),
        &|text, completeness| {
            check(text, completeness, args, path)
                .context("the settings drawn up do not hold; this is a mistake of crm2capi's")?;
            write(&args.output, text, args.force)
        },
    )?;
    Ok(ExitStatus::Done)
}

/// Refuses a place where the settings cannot or must not go, before any work is done.
fn check_place(output: &Path, force: bool) -> Result<()> {
    let shown = output.display();
    if output.is_dir() {
        bail!("{shown} is a folder; give --output the name of a file");
    }
    if output.exists() && !force {
        bail!("{shown} is there already; give --force to replace it, or --output for another name");
    }
    if !folder_of(output).is_dir() {
        bail!(
            "no folder {} for the settings; create it, or give another --output",
            folder_of(output).display()
        );
    }
    Ok(())
}

/// Standard input or a pipe in a file of its own, as an export is read more than once. It is gone when the process ends,
/// however that comes about.
struct Spool {
    path: PathBuf,
    _file: File,
    #[cfg(not(target_os = "linux"))]
    _name: tempfile::TempPath,
}

impl Spool {
    /// Keeps what can be read only once; nothing of what is a file.
    fn of_stream(path: &Path) -> Result<Option<Self>> {
        if path.as_os_str() == "-" {
            return Self::of(std::io::stdin().lock(), "standard input").map(Some);
        }
        let is_stream = std::fs::metadata(path).is_ok_and(|it| !it.is_file() && !it.is_dir());
        if !is_stream {
            return Ok(None);
        }
        let name = path.display().to_string();
        let stream = File::open(path).with_context(|| format!("cannot read {name}"))?;
        Self::of(stream, &name).map(Some)
    }

    fn of(mut stream: impl Read, name: &str) -> Result<Self> {
        let place = "cannot keep the export in a temporary file";
        #[cfg(target_os = "linux")]
        let mut spool = {
            use std::os::fd::AsRawFd;
            let file = tempfile::tempfile().context(place)?;
            Self {
                path: format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
                _file: file,
            }
        };
        #[cfg(not(target_os = "linux"))]
        let mut spool = {
            let (file, name) = tempfile::NamedTempFile::new().context(place)?.into_parts();
            Self {
                path: name.to_path_buf(),
                _file: file,
                _name: name,
            }
        };
        std::io::copy(&mut stream, &mut spool._file)
            .with_context(|| format!("cannot read {name}"))?;
        spool._file.flush().context(place)?;
        Ok(spool)
    }
}

/// What the pipeline understands of these options.
fn read_args(args: &InitArgs, path: &Path) -> ReadArgs {
    ReadArgs {
        files: vec![path.to_owned()],
        layout: args.layout.clone(),
        format: args.format.clone(),
        ..ReadArgs::default()
    }
}

/// What the command line says.
fn given(args: &InitArgs, dataset_id: Option<String>) -> Given {
    let layout = &args.layout;
    Given {
        dataset_id,
        timezone: layout.timezone.as_ref().map(|zone| zone.name.clone()),
        date_order: layout.date_order,
        default_country: layout.default_country.map(|country| country.to_string()),
        input: input_section(&args.format),
    }
}

/// What the command line said about reading must be said again by whoever reads the next export.
fn input_section(args: &FormatArgs) -> Vec<(&'static str, String)> {
    let format = args.input_format.and_then(|format| {
        clap::ValueEnum::to_possible_value(&format).map(|value| value.get_name().to_owned())
    });
    let given = [
        ("format", format),
        (
            "delimiter",
            args.delimiter.map(|delimiter| match delimiter.0 {
                b'\t' => "tab".to_owned(),
                byte => char::from(byte).to_string(),
            }),
        ),
        (
            "encoding",
            args.encoding.map(|encoding| encoding.name().to_lowercase()),
        ),
        ("sheet", args.sheet.clone()),
        ("header", args.header.as_ref().map(ToString::to_string)),
    ];
    given
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Reads the settings back and, where nothing is missing in them, opens the export with them.
fn check(text: &str, completeness: Completeness, args: &InitArgs, path: &Path) -> Result<()> {
    let file: SettingsFile = toml::from_str(text)?;
    if completeness == Completeness::HasGaps {
        return Ok(());
    }
    config::dataset_id(None, &file)?;
    let read = ReadArgs {
        files: vec![path.to_owned()],
        ..ReadArgs::default()
    };
    let read = config::named_settings(&read, &file)
        .with_context(|| format!("for {}", args.output.display()))?;
    read.inputs
        .iter()
        .try_for_each(|input| Feed::open(input, &read).map(|_| ()))
}

/// Puts the file in its place, whole; without `force` only if nothing stands there.
fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let place = || format!("cannot write {}", path.display());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".crm2capi-settings");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // It holds no secret: whatever the user's mask allows.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder_of(path)).with_context(place)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .with_context(place)?;
    let kept = if force {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    kept.map(|_| ()).with_context(place)
}
