//! What the first bytes of an input are, whatever its name says.
//!
//! In goes the sample, out comes the kind of file. What holds no table is named, with the way to get one.

/// What an input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// An Office Open XML workbook.
    Workbook,
    /// A zip archive of other files.
    Archive,
    /// Text of some kind, as far as the bytes tell.
    Text,
    /// Anything else: what it is, with its article, and what to do.
    Other {
        found: &'static str,
        help: &'static str,
    },
}

const SAVE_AS: &str = "open it in a spreadsheet and save it as .xlsx or CSV";
pub(super) const UNPACK: &str = "unpack it and name the export inside";
const EXPORT: &str = "export the leads as CSV, XLSX or JSON";

/// Beginnings of files that hold no table this program reads.
const OTHERS: [(&[u8], &str, &str); 15] = [
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old .xls or a password-protected workbook",
        SAVE_AS,
    ),
    (b"%PDF-", "a PDF", EXPORT),
    (b"\x89PNG\r\n", "a PNG image", EXPORT),
    (b"\xff\xd8\xff", "a JPEG image", EXPORT),
    (b"GIF8", "a GIF image", EXPORT),
    (b"{\\rtf", "an RTF document", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", EXPORT),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"\x7fELF", "a program", EXPORT),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"\xff\xfe\0\0", "UTF-32 text", "save it as UTF-8"),
    (b"\0\0\xfe\xff", "UTF-32 text", "save it as UTF-8"),
];

/// Judges the first bytes.
pub(super) fn of(sample: &[u8]) -> Content {
    if sample.starts_with(b"PK\x03\x04") || sample.starts_with(b"PK\x05\x06") {
        return zip(sample);
    }
    match OTHERS
        .iter()
        .find(|(beginning, ..)| sample.starts_with(beginning))
    {
        Some((_, found, help)) => Content::Other { found, help },
        None => Content::Text,
    }
}

/// A zip archive names its first members in clear text.
fn zip(sample: &[u8]) -> Content {
    let names = |name: &[u8]| memchr::memmem::find(sample, name).is_some();
    if names(b"opendocument") {
        Content::Other {
            found: "an OpenDocument file",
            help: SAVE_AS,
        }
    } else if names(b"xl/workbook.bin") {
        Content::Other {
            found: "a binary workbook (.xlsb)",
            help: SAVE_AS,
        }
    } else if names(b"word/") {
        Content::Other {
            found: "a Word document",
            help: EXPORT,
        }
    } else if names(b"xl/") || names(b"[Content_Types].xml") {
        Content::Workbook
    } else {
        Content::Archive
    }
}

/// What decoded text is, if it is no table and no JSON.
pub(super) fn of_text(text: &str) -> Content {
    let start = text.trim_start();
    let begins = |beginning: &str| {
        start
            .get(..beginning.len())
            .is_some_and(|part| part.eq_ignore_ascii_case(beginning))
    };
    if begins("<?xml") && text.contains("urn:schemas-microsoft-com:office:spreadsheet") {
        return Content::Other {
            found: "a SpreadsheetML workbook (XML that is often named .xls)",
            help: SAVE_AS,
        };
    }
    if ["<!doctype html", "<html", "<table", "<head", "<meta"]
        .iter()
        .any(|beginning| begins(beginning))
    {
        return Content::Other {
            found: "an HTML page",
            help: "sign in and download the export again, or save it as .xlsx or CSV",
        };
    }
    if begins("<?xml") {
        return Content::Other {
            found: "an XML file",
            help: EXPORT,
        };
    }
    let is_odd = |character: char| {
        character == char::REPLACEMENT_CHARACTER
            || character.is_control() && !"\t\n\r\u{c}\u{1a}\u{1e}".contains(character)
    };
    let (mut odd, mut all) = (0, 0);
    for character in text.chars().take(32 * 1024) {
        odd += usize::from(is_odd(character));
        all += 1;
    }
    if odd * 20 > all {
        return Content::Other {
            found: "a binary file, or text in an encoding that was not recognised",
            help: "check the file, or give its --encoding",
        };
    }
    Content::Text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: Content) -> &'static str {
        match content {
            Content::Workbook => "workbook",
            Content::Archive => "archive",
            Content::Text => "text",
            Content::Other { found, .. } => found,
        }
    }

    #[test]
    fn files_that_hold_no_table_are_named() {
        assert_eq!(found(of(b"%PDF-1.7\n")), "a PDF");
        assert_eq!(
            found(of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest")),
            "an old .xls or a password-protected workbook"
        );
        assert_eq!(found(of(b"PK\x03\x04....leads.csv")), "archive");
        assert_eq!(
            found(of(
                b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
            )),
            "an OpenDocument file"
        );
        assert_eq!(found(of(b"PK\x03\x04....xl/workbook.xml")), "workbook");
        assert_eq!(found(of(b"email,stage\n")), "text");
    }

    #[test]
    fn text_that_holds_no_table_is_named() {
        let sheet = "<?xml version=\"1.0\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">";
        assert_eq!(
            found(of_text(sheet)),
            "a SpreadsheetML workbook (XML that is often named .xls)"
        );
        assert_eq!(found(of_text("\n<!DOCTYPE html><html>")), "an HTML page");
        assert_eq!(
            found(of_text("<?xml version=\"1.0\"?><leads/>")),
            "an XML file"
        );
        assert_eq!(
            found(of_text("\u{1}\u{2}abc\u{3}\u{fffd}")),
            "a binary file, or text in an encoding that was not recognised"
        );
        assert_eq!(found(of_text("email,stage\nava@example.com,New\n")), "text");
    }
}
