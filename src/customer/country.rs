//! Countries: any code or name an export may have becomes the two letters of ISO 3166-1.
//!
//! Names come from the `rust_iso3166` crate; the table here only adds what people write besides. A name is compared
//! without case, accents, punctuation and white space.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text;

/// A country, as its ISO 3166-1 code of two letters; Kosovo's `XK` is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Country([u8; 2]);

impl Country {
    /// The United States.
    pub(crate) const US: Country = Country(*b"us");
    /// Canada.
    pub(super) const CA: Country = Country(*b"ca");

    /// The English name that was probably meant by a misspelt one.
    pub(crate) fn nearest(text: &str) -> Option<&'static str> {
        let wanted = text.to_lowercase();
        let scored = rust_iso3166::ALL.iter().map(|country| {
            let score = strsim::jaro_winkler(&country.name.to_lowercase(), &wanted);
            (score, country.name)
        });
        let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 > 0.85).then_some(best.1)
    }

    /// Reads a code of two or three letters, an English name, or a name in another large language of exports.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text::trim(text);
        let names = names();
        if let [first, second] = *text.as_bytes() {
            let code = [first.to_ascii_lowercase(), second.to_ascii_lowercase()];
            if let Some(country) = std::str::from_utf8(&code)
                .ok()
                .and_then(|code| names.get(code))
            {
                return Some(*country);
            }
        }
        // A `&` joins words and is none.
        if !text.contains(char::is_alphabetic) {
            return None;
        }
        let mut name = String::with_capacity(text.len());
        fold(text, &mut name);
        names.get(name.as_str()).copied().or_else(|| {
            let prefixes = [
                "the",
                "republicof",
                "therepublicof",
                "kingdomof",
                "thekingdomof",
            ];
            let bare = || {
                prefixes
                    .iter()
                    .find_map(|prefix| names.get(name.strip_prefix(prefix)?))
            };
            let inverted = || names.get(name.strip_suffix("the")?);
            let saint = || names.get(format!("saint{}", name.strip_prefix("st")?).as_str());
            bare().or_else(inverted).or_else(saint).copied()
        })
    }

    /// The two letters in lower case, as Meta wants them.
    pub(crate) fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The same, where they are only compared.
    pub(super) fn letters(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

impl fmt::Display for Country {
    /// The two letters in upper case, as ISO writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code().to_ascii_uppercase())
    }
}

/// The text names no country.
#[derive(Debug, thiserror::Error)]
#[error("unknown country {0:?}: use a code of two letters, such as US")]
pub(crate) struct UnknownCountry(pub String);

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        Self::parse(text).ok_or_else(|| UnknownCountry(text.to_owned()))
    }
}

/// Appends the letters and digits of a name in lower case without accents; `&` counts as "and".
pub(super) fn fold(text: &str, out: &mut String) {
    let mut push = |c: char| match c {
        '&' => out.push_str("and"),
        _ if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
        _ if c.is_ascii() => {}
        _ => out.extend(
            c.to_lowercase()
                .filter(|&c| c.is_alphanumeric() && !is_combining_mark(c)),
        ),
    };
    if text.is_ascii() {
        text.chars().for_each(push);
    } else {
        text.nfkd().for_each(&mut push);
    }
}

/// Every folded code and name. Built once, when the first country is looked up.
fn names() -> &'static HashMap<String, Country> {
    static NAMES: OnceLock<HashMap<String, Country>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = HashMap::with_capacity(2048);
        let mut add = |name: &str, country| {
            let mut folded = String::with_capacity(name.len());
            fold(name, &mut folded);
            names.entry(folded).or_insert(country);
        };
        let iso = rust_iso3166::ALL
            .iter()
            .filter_map(|entry| Some((entry, from_alpha2(entry.alpha2)?)));
        for (entry, country) in iso.clone() {
            add(entry.alpha2, country);
            add(entry.alpha3, country);
            add(entry.name, country);
        }
        for (alpha2, aliases) in ALIASES {
            let Some(country) = from_alpha2(alpha2) else {
                continue;
            };
            add(alpha2, country);
            aliases.split(", ").for_each(|alias| add(alias, country));
        }
        // "Bolivia (Plurinational State of)" is also "Plurinational State of Bolivia" and plain "Bolivia". The plain
        // form comes last, as two countries may share it: Korea, Congo and the Virgin Islands are aliases or nothing.
        for (entry, country) in iso.clone() {
            let Some((base, rest)) = entry.name.split_once(" (") else {
                continue;
            };
            add(&format!("{} {base}", rest.trim_end_matches(')')), country);
            if iso
                .clone()
                .filter(|(other, _)| other.name.split(" (").next() == Some(base))
                .count()
                == 1
            {
                add(base, country);
            }
        }
        names
    })
}

fn from_alpha2(alpha2: &str) -> Option<Country> {
    let code: [u8; 2] = alpha2.as_bytes().try_into().ok()?;
    Some(Country(code.map(|letter| letter.to_ascii_lowercase())))
}

/// What exports write besides the official names: common English names, and the names of larger countries in German,
/// French, Spanish, Portuguese, Italian and their own language.
#[rustfmt::skip]
const ALIASES: &[(&str, &str)] = &[
    ("AE", "UAE, Emirates, Vereinigte Arabische Emirate, Émirats arabes unis, Emiratos Árabes Unidos, Emirados Árabes Unidos, Emirati Arabi Uniti, الإمارات, الإمارات العربية المتحدة"),
    ("AL", "Albanien, Albanie, Shqipëria"),
    ("AM", "Armenien, Arménie"),
    ("AR", "Argentinien, Argentine"),
    ("AT", "Österreich, Oesterreich, Autriche, Áustria"),
    ("AU", "Australien, Australie, Austrália"),
    ("AX", "Aland"),
    ("AZ", "Aserbaidschan, Azerbaïdjan, Azerbaiyán, Azerbaijão"),
    ("BA", "Bosnia, Bosnia-Herzegovina, Bosnien, Bosnien und Herzegowina, Bosnie-Herzégovine, Bosnia y Herzegovina, Bosnia ed Erzegovina"),
    ("BD", "Bangladesch, Bangladés"),
    ("BE", "Belgien, Belgique, België, Bélgica, Belgio"),
    ("BG", "Bulgarien, Bulgarie, Bulgária, България"),
    ("BN", "Brunei"),
    ("BO", "Bolivien, Bolivie, Bolívia"),
    ("BR", "Brasil, Brasilien, Brésil, Brasile"),
    ("BY", "Weißrussland, Weissrussland, Biélorussie, Bielorrusia, Bielorussia, Беларусь"),
    ("CA", "Kanada, Canadá"),
    ("CD", "DR Congo, DRC, Congo-Kinshasa, Democratic Republic of Congo"),
    ("CF", "CAR"),
    ("CG", "Congo-Brazzaville, Republic of the Congo"),
    ("CH", "Schweiz, Suisse, Svizzera, Svizra, Suiza, Suíça"),
    ("CI", "Ivory Coast, Elfenbeinküste, Costa de Marfil, Costa do Marfim, Costa d'Avorio"),
    ("CL", "Chili, Cile"),
    ("CM", "Kamerun, Cameroun, Camerún, Camarões, Camerun"),
    ("CN", "PRC, People's Republic of China, Mainland China, Volksrepublik China, Chine, Cina, 中国, 中华人民共和国"),
    ("CO", "Kolumbien, Colombie, Colômbia"),
    ("CU", "Kuba"),
    ("CV", "Cape Verde"),
    ("CY", "Zypern, Chypre, Chipre, Cipro, Κύπρος"),
    ("CZ", "Czech Republic, Tschechien, Tschechische Republik, Tchéquie, République tchèque, Chequia, República Checa, Tchéquia, República Tcheca, Cechia, Repubblica Ceca, Česko, Česká republika"),
    ("DE", "Deutschland, Allemagne, Alemania, Alemanha, Germania, Federal Republic of Germany, Bundesrepublik Deutschland, BRD"),
    ("DK", "Dänemark, Danemark, Dinamarca, Danimarca, Danmark"),
    ("DO", "Dominikanische Republik, République dominicaine, República Dominicana, Repubblica Dominicana"),
    ("DZ", "Algerien, Algérie, Argelia, Argélia, الجزائر"),
    ("EC", "Ekuador, Équateur, Equador"),
    ("EE", "Estland, Estonie, Estónia, Eesti"),
    ("EG", "Ägypten, Égypte, Egipto, Egito, Egitto, مصر"),
    ("ES", "Spanien, Espagne, España, Espanha, Spagna, Espanya"),
    ("ET", "Äthiopien, Éthiopie, Etiopía, Etiópia, Etiopia"),
    ("FI", "Finnland, Finlande, Finlandia, Finlândia, Suomi"),
    ("FK", "Falkland Islands, Malvinas"),
    ("FO", "Faroe, Faeroe Islands"),
    ("FR", "Frankreich, Francia, França, République française"),
    ("GB", "UK, United Kingdom, Great Britain, Britain, England, Scotland, Wales, Northern Ireland, Großbritannien, Grossbritannien, Vereinigtes Königreich, Schottland, Royaume-Uni, Grande-Bretagne, Angleterre, Écosse, Reino Unido, Gran Bretaña, Inglaterra, Escocia, Grã-Bretanha, Escócia, Regno Unito, Gran Bretagna, Inghilterra, Scozia"),
    ("GE", "Georgien, Géorgie, Geórgia, საქართველო"),
    ("GH", "Gana"),
    ("GR", "EL, Hellas, Griechenland, Grèce, Grecia, Grécia, Ελλάδα, Hellenic Republic"),
    ("HK", "Hong Kong SAR, Hongkong, 香港"),
    ("HR", "Kroatien, Croatie, Croacia, Croácia, Croazia, Hrvatska"),
    ("HU", "Ungarn, Hongrie, Hungría, Hungria, Ungheria, Magyarország"),
    ("ID", "Indonesien, Indonésie, Indonésia"),
    ("IE", "Irland, Irlande, Irlanda, Éire"),
    ("IL", "Israël, Israele, ישראל"),
    ("IN", "Indien, Inde, Índia, Bharat, भारत"),
    ("IQ", "Irak"),
    ("IR", "Iran, Irán, Irã, Irão"),
    ("IS", "Island, Islande, Islandia, Islândia, Islanda, Ísland"),
    ("IT", "Italien, Italie, Italia, Itália"),
    ("JM", "Jamaika, Jamaïque, Giamaica"),
    ("JO", "Jordanien, Jordanie, Jordania, Jordânia, Giordania, الأردن"),
    ("JP", "Japon, Japón, Japão, Giappone, Nippon, 日本"),
    ("KE", "Kenia, Quênia"),
    ("KP", "North Korea, DPRK, Nordkorea, Corée du Nord, Corea del Norte, Coreia do Norte, Corea del Nord"),
    ("KR", "Korea, South Korea, Südkorea, Corée du Sud, Corea del Sur, Coreia do Sul, Corea del Sud, ROK, 대한민국, 한국"),
    ("KW", "Koweït, الكويت"),
    ("KZ", "Kasachstan, Kazajistán, Cazaquistão, Kazakistan, Казахстан"),
    ("LA", "Laos"),
    ("LB", "Libanon, Liban, Líbano, Libano, لبنان"),
    ("LT", "Litauen, Lituanie, Lituania, Lituânia, Lietuva"),
    ("LU", "Luxemburg, Luxemburgo, Lussemburgo, Lëtzebuerg"),
    ("LV", "Lettland, Lettonie, Letonia, Letônia, Lettonia, Latvija"),
    ("LY", "Libyen, Libye, Libia, Líbia, ليبيا"),
    ("MA", "Marokko, Maroc, Marruecos, Marrocos, Marocco, المغرب"),
    ("MD", "Moldau, Moldawien, Moldavie, Moldavia, Moldávia"),
    ("ME", "Monténégro"),
    ("MK", "Macedonia, Nordmazedonien, Macédoine du Nord, Macedonia del Norte, Macedônia do Norte, Macedonia del Nord, FYROM"),
    ("MM", "Burma"),
    ("MO", "Macau"),
    ("MT", "Malte"),
    ("MX", "Mexiko, Mexique, México, Méjico, Messico"),
    ("MY", "Malaisie, Malasia, Malásia, Malesia"),
    ("NG", "Nigéria"),
    ("NL", "Holland, Niederlande, Pays-Bas, Países Bajos, Países Baixos, Paesi Bassi, Nederland, Holanda, Olanda, Hollande"),
    ("NO", "Norwegen, Norvège, Noruega, Norvegia, Norge"),
    ("NP", "Népal"),
    ("NZ", "Neuseeland, Nouvelle-Zélande, Nueva Zelanda, Nueva Zelandia, Nova Zelândia, Nuova Zelanda, Aotearoa"),
    ("PE", "Pérou, Perú"),
    ("PH", "Philippinen, Filipinas, Filippine, Pilipinas"),
    ("PK", "Pakistán, Paquistão"),
    ("PL", "Polen, Pologne, Polonia, Polônia, Polónia, Polska"),
    ("PS", "Palestinian Territory, Palestinian Territories, Occupied Palestinian Territory, Palästina, Palestina, فلسطين"),
    ("PY", "Paraguai"),
    ("QA", "Katar, قطر"),
    ("RO", "Rumänien, Roumanie, Rumania, Rumanía, Romênia, Roménia, România"),
    ("RS", "Serbien, Serbie, Sérvia, Srbija, Србија"),
    ("RU", "Russia, Russland, Russie, Rusia, Rússia, Россия"),
    ("SA", "KSA, Saudi-Arabien, Arabie saoudite, Arabia Saudita, Arabia Saudí, Arábia Saudita, السعودية, المملكة العربية السعودية"),
    ("SE", "Schweden, Suède, Suecia, Suécia, Svezia, Sverige"),
    ("SG", "Singapur, Singapour, Cingapura, Singapura"),
    ("SH", "Saint Helena"),
    ("SI", "Slowenien, Slovénie, Eslovenia, Eslovênia, Eslovénia, Slovenija"),
    ("SK", "Slovak Republic, Slowakei, Slovaquie, Eslovaquia, Eslováquia, Slovacchia, Slovensko"),
    ("SN", "Sénégal"),
    ("SY", "Syria, Syrien, Syrie, Siria, Síria, سوريا"),
    ("SZ", "Swaziland"),
    ("TH", "Thaïlande, Tailandia, Tailândia, Thailandia, ประเทศไทย, ไทย"),
    ("TL", "East Timor"),
    ("TN", "Tunesien, Tunisie, Túnez, Tunísia, تونس"),
    ("TR", "Turkey, Türkei, Turquie, Turquía, Turquia, Turchia"),
    ("TT", "Trinidad"),
    ("TW", "Republic of China, Taïwan, 台灣, 臺灣, 台湾"),
    ("UA", "Ukrayina, Ucraina, Ucrania, Ucrânia, Україна, Украина"),
    ("US", "USA, United States, U.S. of A., America, Vereinigte Staaten, Vereinigte Staaten von Amerika, États-Unis, États-Unis d'Amérique, Estados Unidos, Estados Unidos de América, EE. UU., EEUU, EUA, Estados Unidos da América, Stati Uniti, Stati Uniti d'America, Amerika"),
    ("UY", "Uruguai"),
    ("VA", "Vatican, Vatican City"),
    ("VG", "British Virgin Islands, BVI"),
    ("VI", "US Virgin Islands, United States Virgin Islands, USVI"),
    ("VN", "Vietnam, Viêt Nam, Vietnã, Vietname, Việt Nam"),
    ("XK", "XKX, Kosovo, Kosova"),
    ("ZA", "RSA, Südafrika, Afrique du Sud, Sudáfrica, África do Sul, Sudafrica"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<String> {
        Country::parse(text).map(|country| country.code().to_owned())
    }

    #[test]
    fn every_iso_code_and_name_is_read() {
        for entry in rust_iso3166::ALL {
            for text in [
                entry.alpha2,
                entry.alpha3,
                entry.name,
                &entry.name.to_uppercase(),
                &entry.alpha2.to_lowercase(),
            ] {
                assert_eq!(
                    code(text).as_deref(),
                    Some(entry.alpha2.to_lowercase().as_str()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn every_alias_names_its_own_country() {
        for (alpha2, aliases) in ALIASES {
            for alias in aliases.split(", ") {
                assert_eq!(
                    code(alias).as_deref(),
                    Some(alpha2.to_lowercase().as_str()),
                    "{alias}"
                );
            }
            assert_eq!(
                code(alpha2).as_deref(),
                Some(alpha2.to_lowercase().as_str()),
                "{alpha2}"
            );
        }
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        for (text, expected) in [
            ("United States", "us"),
            ("the united states of america", "us"),
            ("U.S.A.", "us"),
            (" usa ", "us"),
            ("UK", "gb"),
            ("England", "gb"),
            ("Cote d’Ivoire", "ci"),
            ("CÔTE D'IVOIRE", "ci"),
            ("Curacao", "cw"),
            ("Turkiye", "tr"),
            ("The Netherlands", "nl"),
            ("Kingdom of the Netherlands", "nl"),
            ("Republic of Korea", "kr"),
            ("Democratic People's Republic of Korea", "kp"),
            ("Bolivia", "bo"),
            ("Plurinational State of Bolivia", "bo"),
            ("Republic of Ireland", "ie"),
            ("Republic of China", "tw"),
            ("Trinidad & Tobago", "tt"),
            ("St. Lucia", "lc"),
            ("St Kitts and Nevis", "kn"),
            ("Bahamas, The", "bs"),
            ("Deutschland", "de"),
            ("España", "es"),
            ("Espana", "es"),
            ("ESPAÑA", "es"),
            ("Brasil", "br"),
            ("États-Unis", "us"),
            ("Etats Unis", "us"),
            ("Kosovo", "xk"),
            ("ＵＳ", "us"),
            ("Congo", "cg"),
        ] {
            assert_eq!(code(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_country_or_two_is_none() {
        for text in [
            "",
            "ZZ",
            "XX",
            "Atlantis",
            "Virgin Islands",
            "the",
            "--",
            "12",
            "Narnia, the",
            "!@#$%^&*()",
            "&",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}
