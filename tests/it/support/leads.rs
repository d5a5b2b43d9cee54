//! The made-up leads whose story the example exports tell, and when they reached each stage, in Unix seconds.
//!
//! Written down by hand, so that what the program reads from an export is held against something it did not compute.

/// A lead and when it reached the stages that the exports have in common.
#[derive(Clone, Copy, Debug)]
pub struct Lead {
    pub name: &'static str,
    pub lead_id: u64,
    pub email: &'static str,
    /// E.164 without the plus.
    pub phone: &'static str,
    /// Raw lead, marketing qualified, sales qualified, opportunity, customer, lost; 0 for a stage not reached.
    times: [i64; 6],
}

/// The stages the exports have in common, under whatever names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    Lead,
    Marketing,
    Sales,
    Opportunity,
    Customer,
    Lost,
}

impl Lead {
    pub fn at(&self, reached: Reached) -> i64 {
        let time = self.times[reached as usize];
        assert!(time > 0, "{} never reached {reached:?}", self.name);
        time
    }
}

const fn lead(
    name: &'static str,
    lead_id: u64,
    email: &'static str,
    phone: &'static str,
    times: [i64; 6],
) -> Lead {
    Lead {
        name,
        lead_id,
        email,
        phone,
        times,
    }
}

const LEADS: [Lead; 12] = [
    lead(
        "Ava",
        1234567890123456,
        "ava.thornton@example.com",
        "12125550101",
        [
            1794319512, 1794424845, 1794495780, 1794692469, 1795104930, 0,
        ],
    ),
    lead(
        "Marcus",
        987654321098765,
        "marcus.bell@example.org",
        "16175550122",
        [1794354453, 1794492730, 1794853800, 0, 0, 0],
    ),
    lead(
        "Priya",
        2345678901234567,
        "priya.raman@example.com",
        "15125550133",
        [1794403325, 1794437741, 1794600502, 1794927600, 0, 0],
    ),
    lead(
        "Diego",
        3456789012345678,
        "diego.fuentes@example.org",
        "13055550144",
        [1794536098, 0, 0, 0, 0, 1794581100],
    ),
    lead(
        "Chloé",
        12345678901234567,
        "chloe.lambert@example.com",
        "15045550155",
        [1794573080, 1794848717, 0, 0, 0, 0],
    ),
    lead(
        "Owen",
        4567890123456789,
        "owen.oneill@example.org",
        "13125550166",
        [
            1794632321, 1794838800, 1795031040, 1795185000, 1795273364, 0,
        ],
    ),
    lead(
        "Fatima",
        567890123456789,
        "fatima.alsayed@example.com",
        "13135550177",
        [1794759071, 1794950280, 0, 0, 0, 0],
    ),
    lead(
        "Jürgen",
        5678901234567890,
        "juergen.koehler@example.org",
        "493023125042",
        [1794825600, 1794993300, 1795093200, 0, 0, 0],
    ),
    lead(
        "Sofía",
        6789012345678901,
        "sofia.ramirez@example.com",
        "12105550188",
        [1794940056, 0, 0, 0, 0, 0],
    ),
    lead(
        "Tom",
        7890123456789012,
        "tom.whitfield@example.org",
        "441174960123",
        [1794999722, 1795083000, 1795174200, 1795265100, 0, 0],
    ),
    lead(
        "Mei-Ling",
        8901234567890123,
        "mei.chow@example.com",
        "14155550199",
        [1795134615, 1795194000, 0, 0, 0, 0],
    ),
    lead(
        "Noah",
        10987654321098765,
        "noah.berg@example.org",
        "12065550110",
        [1795209376, 0, 0, 0, 0, 0],
    ),
];

/// Leads of an account in Brazil. Their stages are its own.
const BRAZILIANS: [Lead; 7] = [
    lead(
        "Beatriz",
        1112223334445556,
        "beatriz.nogueira@example.com",
        "551155550123",
        [0; 6],
    ),
    lead(
        "João",
        2223334445556667,
        "joao.araujo@example.org",
        "551155550134",
        [0; 6],
    ),
    lead(
        "Camila",
        333444555666777,
        "camila.guimaraes@example.com",
        "551155550145",
        [0; 6],
    ),
    lead(
        "Rafael",
        4445556667778889,
        "rafael.conceicao@example.org",
        "551155550156",
        [0; 6],
    ),
    lead(
        "Letícia",
        55566677788899900,
        "leticia.brandao@example.com",
        "551155550167",
        [0; 6],
    ),
    lead(
        "Thiago",
        6667778889990001,
        "thiago.sa@example.org",
        "551155550178",
        [0; 6],
    ),
    lead(
        "Marina",
        7778889990001112,
        "marina.leao@example.com",
        "551155550189",
        [0; 6],
    ),
];

pub fn everybody() -> impl Iterator<Item = &'static Lead> {
    LEADS.iter().chain(&BRAZILIANS)
}

/// The lead of that first name.
pub fn of(name: &str) -> &'static Lead {
    everybody()
        .find(|lead| lead.name == name)
        .unwrap_or_else(|| panic!("there is no lead {name}"))
}
