//! What headings say, in the languages CRMs are used in.
//!
//! In goes a heading, out come its folded words and what they speak for. Words alone decide nothing: what the cells
//! hold is asked too, by whoever calls.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::field::Field;

/// A heading, folded: lower case, no accents, split at anything that is no letter or digit and at camel humps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    words: Vec<String>,
    joined: String,
}

/// How strongly a heading speaks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    /// One of its words does.
    InPart,
    /// All of it does.
    Exactly,
}

/// Fields by the headings that mean just them, then by words that headings of theirs contain. A word of more than
/// four letters also counts inside of a longer one, as German runs words together.
const FIELDS: &[(Field, &str, &str)] = &[
    (
        Field::LeadId,
        "leadid metaleadid facebookleadid fbleadid leadgenid metaleadsid instagramleadid idleadmeta \
        iddoleadmeta iddelleadmeta iddulead idduleadmeta",
        "leadgen metalead facebooklead fblead",
    ),
    (
        Field::Email,
        "email mail emailaddress emailadresse mailadresse correo courriel",
        "email mail correo courriel",
    ),
    (
        Field::Phone,
        "phone telephone tel mobile cell telefon handy mobil portable celular movil telefone telefono gsm",
        "phone tel telefon telephone telefono telefone handy mobil mobile mobilnummer rufnummer movil celular portable \
        whatsapp",
    ),
    (
        Field::FirstName,
        "firstname givenname forename vorname prenom primernombre primeironome nombredepila",
        "firstname givenname vorname prenom",
    ),
    (
        Field::LastName,
        "lastname surname familyname nachname familienname zuname nomdefamille apellido apellidos \
        sobrenome ultimonome cognome",
        "lastname surname nachname familienname apellido apellidos sobrenome",
    ),
    (
        Field::FullName,
        "fullname name contactname leadname kontaktname vollstandigername kundenname kontakt contact nom \
        nomcomplet nombre nombrecompleto nombreyapellidos nome nomecompleto contacto contato ansprechpartner",
        "fullname nomcomplet nombrecompleto nomecompleto",
    ),
    (
        Field::Gender,
        "gender sex geschlecht sexe genre sexo genero anrede salutation civilite",
        "gender geschlecht",
    ),
    (
        Field::DateOfBirth,
        "dateofbirth dob birthday birthdate geburtsdatum geburtstag datedenaissance naissance \
        fechadenacimiento nacimiento datadenascimento nascimento",
        "birth geburt naissance nacimiento nascimento",
    ),
    (
        Field::City,
        "city town ort stadt wohnort ville ciudad localidad poblacion cidade citta municipio",
        "city ciudad cidade",
    ),
    (
        Field::State,
        "state province stateprovince stateregion region bundesland kanton departement provincia uf",
        "bundesland provincia province",
    ),
    (
        Field::Zip,
        "zip zipcode postalcode postcode plz postleitzahl codepostal codigopostal cp cep cap zippostalcode",
        "zip postalcode postcode postleitzahl codepostal codigopostal",
    ),
    (
        Field::Country,
        "country countryregion countrycode land pays pais paese staat landercode codigodepais",
        "country pais",
    ),
    (
        Field::CreatedTime,
        "created createdat createdon createddate createdtime creationdate createdate dateadded \
        erstellt erstelltam erstellungsdatum angelegt angelegtam anlagedatum eingang eingangsdatum eingegangenam creele \
        datedecreation datecreation creado creadoel fechadecreacion fechacreacion fechadealta criadoem datadecriacao \
        datadecadastro datacriacao submittedat",
        "created creation erstellt erstellung angelegt eingang creation creado creacion criado criacao cadastro",
    ),
    (
        Field::Currency,
        "currency currencycode currencyisocode wahrung devise monnaie moneda moeda valuta",
        "currency wahrung",
    ),
    (
        Field::Value,
        "value amount dealvalue leadvalue revenue betrag wert umsatz auftragswert montant valeur importe valor",
        "amount betrag montant importe",
    ),
    (
        Field::Fbclid,
        "fbclid facebookclickid metaclickid",
        "fbclid",
    ),
    (Field::Fbc, "fbc", "fbc"),
    (Field::Fbp, "fbp", "fbp"),
    (
        Field::ClientIpAddress,
        "ip ipaddress clientipaddress ipadresse adresseip direccionip",
        "ip",
    ),
    (
        Field::ClientUserAgent,
        "useragent clientuseragent",
        "useragent",
    ),
];

/// Headings of a stage.
const STAGE: &str = "stage leadstage dealstage pipelinestage lifecyclestage leadstatus phase vertriebsphase \
    leadphase stufe etapa etape fase estagio etapadolead etapadelembudo etapadofunil statutdulead estadodellead \
    statusdolead situacaodolead estadodelead";
/// Headings that often mean the stage, and as often something else.
const STATUS: &str = "status statut estado situacao situacion bearbeitungsstatus";
const STAGE_WORDS: &str =
    "stage phase stufe etapa etape fase estagio status statut estado situacao";
/// Words of a time that says when the stage was reached.
const CHANGE: &str = "changed change since entered geandert anderung seit gewechselt wechsel modifie changement depuis \
    cambio cambiado desde mudanca alterado alteracao";
/// Headings of a row's own time.
const WHEN: &str = "date time datetime timestamp datum zeit zeitpunkt zeitstempel uhrzeit fecha hora fechayhora data \
    datahora horodatage dateheure eventtime editdate when ts at";
/// Words of the time of any edit, which is not that of the stage.
const EDITED: &str = "modified updated edited geandert aktualisiert bearbeitet modifie modifiee misajour miseajour \
    modificado modificada modificacion actualizado actualizada actualizacion atualizado atualizada atualizacao modificacao";
/// Words of times that are no stage's: what is planned, or happened for other reasons.
const OTHER_TIMES: &str = "next due close closing expected reminder follow followup birth activity contacted login seen \
    import sync export wiedervorlage nachste fallig termin geplant abschluss geburt aktivitat importiert prochaine \
    echeance cloture rappel activite proxima proximo cierre vencimiento recordatorio nacimiento actividad fechamento \
    vencimento nascimento atividade opened clicked visit delivered";
/// Words of headings that are about somebody else than the lead.
const OTHER_PEOPLE: &str = "owner assigned assignee agent rep salesrep user creator by besitzer inhaber eigentumer \
    verantwortlich verantwortlicher zustandig zustandiger bearbeiter betreuer mitarbeiter verkaufer proprietaire \
    responsable attribue commercial propietario asignado vendedor comercial usuario proprietario responsavel atribuido \
    company firma empresa entreprise organization organisation account unternehmen campaign kampagne form adset \
    referrer partner";
/// Words of ids that are Meta's, and not the lead's.
const OTHER_IDS: &str = "ad ads adset campaign kampagne campagne campana campanha form formular page pixel account \
    dataset business adid adgroup";
/// Words that a name of a stage has, in any funnel.
const FUNNEL: &str = "new lead leads qualified mql sql prospect contacted opportunity customer client won lost demo \
    proposal negotiation converted nurture appointment disqualified unqualified subscriber closed neu qualifiziert \
    kontaktiert kunde gewonnen verloren angebot termin interessent abschluss abgeschlossen disqualifiziert nouveau \
    nouvelle qualifie contacte opportunite gagne perdu devis vente nuevo nueva calificado cualificado contactado \
    oportunidad cliente ganado ganada perdido perdida propuesta negociacion cita novo nova qualificado contatado \
    oportunidade ganho vendido proposta negociacao agendado";
/// Words around the name of a stage in the heading of its date.
const AROUND_STAGE: &str = "became became a an the date time at on since entered reached datum am seit wurde zum erreicht \
    le du de la del el fecha data em do da dem der die das en desde depuis passe devenu stage status phase etapa etape \
    in into when is timestamp";

fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// The text in lower case, without accents.
pub(super) fn fold(text: &str) -> String {
    let plain = text.nfd().filter(|letter| !is_combining_mark(*letter));
    plain
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace('ß', "ss")
}

impl Heading {
    pub(super) fn of(text: &str) -> Self {
        let mut words = vec![String::new()];
        let mut after_small = false;
        // The names of Salesforce's custom fields end in `__c`.
        for letter in text.strip_suffix("__c").unwrap_or(text).chars() {
            let hump = after_small && letter.is_uppercase();
            if !letter.is_alphanumeric() && !is_combining_mark(letter) || hump {
                words.push(String::new());
            }
            if (letter.is_alphanumeric() || is_combining_mark(letter))
                && let Some(word) = words.last_mut()
            {
                word.push(letter);
            }
            after_small = letter.is_lowercase();
        }
        let words: Vec<String> = words
            .iter()
            .map(|word| fold(word))
            .filter(|word| !word.is_empty())
            .collect();
        // A JSON path is named by its end, a word of it by any part.
        let last = text
            .rsplit('.')
            .next()
            .filter(|last| !last.contains(' '))
            .unwrap_or(text);
        let last = if text.contains('.') && !text.contains(' ') {
            last
        } else {
            text
        };
        let joined = fold(last.strip_suffix("__c").unwrap_or(last));
        let joined = joined
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .collect();
        Self { words, joined }
    }

    /// How strongly the heading speaks for a field.
    pub(super) fn says(&self, field: Field) -> Option<Says> {
        let (_, exact, parts) = FIELDS.iter().find(|(known, ..)| *known == field)?;
        if has(exact, &self.joined) {
            return Some(Says::Exactly);
        }
        let is_part = |part: &&str| {
            self.words.iter().any(|word| word == part)
                || part.len() > 4 && self.joined.contains(*part)
        };
        parts
            .split_ascii_whitespace()
            .any(|part| is_part(&part))
            .then_some(Says::InPart)
    }

    /// How much the heading is that of a stage, 0 to 4.
    pub(super) fn stage_rank(&self) -> u8 {
        let of_the_past = [
            "old", "previous", "alter", "ancien", "anterior", "reason", "grund", "motivo", "motif",
            "source",
        ];
        if self
            .words
            .iter()
            .any(|word| of_the_past.contains(&word.as_str()))
        {
            return 0;
        }
        match () {
            () if [
                "newvalue",
                "neuerwert",
                "nouvellevaleur",
                "nuevovalor",
                "valornuevo",
                "novovalor",
            ]
            .contains(&self.joined.as_str())
                || has(STAGE, &self.joined) =>
            {
                4
            }
            () if has(STATUS, &self.joined) => 3,
            () if self.has_any(STAGE_WORDS) => 2,
            () if STAGE_WORDS
                .split_ascii_whitespace()
                .any(|word| self.joined.contains(word)) =>
            {
                1
            }
            () => 0,
        }
    }

    /// Whether a time under this heading is that of a stage, beside a stage column headed `stage`. 0 to 4.
    pub(super) fn stage_time_rank(&self, stage: Option<&Heading>) -> u8 {
        let is_of_stage = self.stage_rank() > 0
            || stage.is_some_and(|stage| {
                stage
                    .words
                    .iter()
                    .any(|word| word.len() > 3 && self.words.contains(word))
            });
        match () {
            () if is_of_stage => 4,
            () if self.is_edited() => 1,
            () if self.has_any(CHANGE) => 3,
            () if has(WHEN, &self.joined) => 2,
            () => 0,
        }
    }

    /// Whether the heading is that of any edit.
    pub(super) fn is_edited(&self) -> bool {
        self.has_any(EDITED) && self.stage_rank() == 0
    }

    /// Whether a time under this heading is no stage's.
    pub(super) fn is_other_time(&self) -> bool {
        self.has_any(OTHER_TIMES) || self.says(Field::DateOfBirth).is_some()
    }

    /// Whether the heading is about somebody or something else than the lead.
    pub(super) fn is_other_person(&self) -> bool {
        self.has_any(OTHER_PEOPLE)
    }

    /// Whether an id under this heading is another of Meta's.
    pub(super) fn is_other_id(&self) -> bool {
        self.has_any(OTHER_IDS)
    }

    /// Whether the column names the field a history row is about.
    pub(super) fn is_field_name(&self) -> bool {
        has(
            "field fieldevent fieldname feld feldname champ campo",
            &self.joined,
        )
    }

    /// Whether the heading has a word of a funnel besides those that stand around a stage's name.
    pub(super) fn names_a_stage(&self) -> bool {
        self.words
            .iter()
            .any(|word| has(FUNNEL, word) && !has(AROUND_STAGE, word))
    }

    /// Whether one of the heading's words is this one.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    fn has_any(&self, list: &str) -> bool {
        self.words.iter().any(|word| has(list, word))
    }
}

/// Whether a text has a word that names of stages have.
pub(super) fn sounds_like_a_stage(text: &str) -> bool {
    fold(text)
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| has(FUNNEL, word))
}

/// The name of the stage in the heading of its date: `Qualifiziert am` is `Qualifiziert`.
pub(super) fn stage_in_heading(heading: &str) -> Option<String> {
    let words: Vec<&str> = heading
        .split(|letter: char| letter.is_whitespace() || letter == '_')
        .collect();
    let is_around = |word: &&str| {
        let folded = fold(word.trim_matches(|letter: char| !letter.is_alphanumeric()));
        folded.is_empty() || has(AROUND_STAGE, &folded)
    };
    let start = words.iter().position(|word| !is_around(word))?;
    let end = words.iter().rposition(|word| !is_around(word))?;
    Some(words[start..=end].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_speak_in_five_languages() {
        for (heading, field) in [
            ("E-Mail-Adresse", Field::Email),
            ("Correo electrónico", Field::Email),
            ("Adresse e-mail", Field::Email),
            ("Telefonnummer", Field::Phone),
            ("Téléphone portable", Field::Phone),
            ("Vorname", Field::FirstName),
            ("Prénom", Field::FirstName),
            ("Sobrenome", Field::LastName),
            ("Nachname", Field::LastName),
            ("Erstellt am", Field::CreatedTime),
            ("Date de création", Field::CreatedTime),
            ("Fecha de creación", Field::CreatedTime),
            ("Criado em", Field::CreatedTime),
            ("Código postal", Field::Zip),
            ("País", Field::Country),
            ("Meta_Lead_ID__c", Field::LeadId),
            ("properties.firstName", Field::FirstName),
        ] {
            assert!(Heading::of(heading).says(field).is_some(), "{heading}");
        }
        for (heading, field) in [
            ("Description", Field::ClientIpAddress),
            ("Hotel", Field::Phone),
            ("Company", Field::City),
            ("Lead Source", Field::LeadId),
        ] {
            assert_eq!(Heading::of(heading).says(field), None, "{heading}");
        }
    }

    #[test]
    fn a_stage_is_told_from_its_date_and_from_an_edit() {
        let rank = |heading: &str| Heading::of(heading).stage_rank();
        assert!(rank("Lead-Status") > rank("Status") && rank("Status") > rank("Email status"));
        assert_eq!(rank("Previous stage"), 0);
        let stage = Heading::of("Vertriebsphase");
        let time = |heading: &str| Heading::of(heading).stage_time_rank(Some(&stage));
        assert!(
            time("Status geändert am") > time("Datum")
                && time("Datum") > time("Zuletzt geändert am")
        );
        assert!(
            Heading::of("Zuletzt bearbeitet").is_edited()
                && !Heading::of("Status geändert am").is_edited()
        );
        assert!(
            Heading::of("Nächster Termin").is_other_time()
                && Heading::of("Owner.Email").is_other_person()
        );
    }

    #[test]
    fn the_heading_of_a_stages_date_names_it() {
        let name = |heading: &str| stage_in_heading(heading).unwrap_or_default();
        assert_eq!(
            name("Became a Marketing Qualified Lead Date"),
            "Marketing Qualified Lead"
        );
        assert_eq!(name("Qualifiziert am"), "Qualifiziert");
        assert_eq!(name("Date de devis"), "devis");
        assert_eq!(name("Fecha"), "");
        assert!(Heading::of("Kunde seit").names_a_stage() && !Heading::of("Datum").names_a_stage());
    }
}
