//! Which stages say that a lead came to nothing, in the languages that exports are kept in.

use std::sync::LazyLock;

use super::words::{Words, contains_any, fold, set, words_of};

/// Whether a stage says that a lead came to nothing.
pub(crate) fn sounds_negative(stage: &str) -> bool {
    let words = words_of(stage);
    let denied = [
        "not", "no", "nicht", "kein", "pas", "non", "nao", "не", "niet", "nie", "tidak", "khong",
        "غير", "לא",
    ];
    // `Not contacted yet` is where leads begin.
    let is_yet_to_come = words.iter().any(|word| ANSWERED.contains(word));
    // In Portuguese `no` is `in the`: `No aguardo`.
    let is_in_the = |at: usize| {
        let next = words.get(at + 1).map_or("", |word| word);
        words[at] == "no" && (next.ends_with("mento") || IN_THE.contains(next))
    };
    let is_denied = words.len() > 1
        && (0..words.len()).any(|at| denied.contains(&words[at].as_str()) && !is_in_the(at))
        && !is_yet_to_come;
    is_denied
        || words.iter().any(|word| NEGATIVE.contains(word))
        || contains_any(&NEGATIVE, &fold(stage))
}

/// Words of stages that say a lead came to nothing.
static NEGATIVE: Words = LazyLock::new(|| {
    set(
        "lost junk trash dead disqualified unqualified invalid duplicate spam rejected cancelled canceled \
    uninterested unreachable bad fake wrong bounced absage verloren abgelehnt ungultig unqualifiziert disqualifiziert perdu \
    perdue refuse injoignable annule perdido perdida descartado descalificado rechazado cancelado desqualificado perso rifiutato \
    annullato afgewezen przegrany przegrana odrzucony отказ некачественный мусор спам дубль kaybedildi olumsuz iptal gecersiz \
    خسارة ملغي ملغى batal gagal huy 失注 流失 无效 無効 ยกเลก \
    prohrano ztraceno tabt forlorad tapt havitty elveszett pierdut respins elutasitva elutasitott χαμενο ακυρωθηκε відмова 실패 취소",
    )
});

/// What follows `no` in stages where that is the Portuguese `in the`, besides words that end in -mento.
static IN_THE: Words = LazyLock::new(|| {
    set(
        "aguardo funil processo contato inicio prazo banco cartorio financeiro comercial escritorio whatsapp crm radar ar \
    pipeline juridico estoque sistema",
    )
});

/// Words of what is done to every lead sooner or later: a stage that denies it is no failure.
static ANSWERED: Words = LazyLock::new(|| {
    set(
        "contacted yet started assigned attempted processed called reviewed opened kontaktiert bearbeitet zugewiesen noch contacte \
    traite appele contactado contactada asignado iniciado contatado atendido contattato lavorato gebeld benaderd обработан \
    обработана связались",
    )
});
