//! The words that headings and stages are made of: English, Spanish, Portuguese, French, German, Italian, Dutch,
//! Polish, Russian, Turkish, Arabic, Hindi, Indonesian, Vietnamese, Thai, Japanese and Chinese; the most common ones also
//! in Czech, Danish, Norwegian, Swedish, Finnish, Hungarian, Romanian, Greek, Hebrew, Korean and Ukrainian.
//!
//! All of them are folded: lower case, without accents, headings run together. Names of products' fields are those of
//! their public documentation, which the presets name.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::field::Field;
use crate::mapping::words::{Words, set};

/// Fields by headings that mean them when the cells agree, then by words that headings of theirs contain. A word of
/// more than four letters also counts inside of a longer one, as German runs words together.
const FIELDS: &[(Field, &str, &str)] = &[
    (
        Field::LeadId,
        "leadid metaleadid facebookleadid fbleadid leadgenid metaleadsid instagramleadid idleadmeta \
        iddoleadmeta iddelleadmeta iddulead idduleadmeta metaid facebookid fbid",
        "leadgen metalead facebooklead fblead",
    ),
    (
        Field::Email,
        "surel email emails mail emailaddress emailaddresses emailadresse mailadresse correo courriel emailid \
        emailaddress1 emailfrom personemail emailwork posta postaelettronica eposta epost epostadress emel email1 \
        sahkoposti sahkopostiosoite elposta elpost emailcim emailovaadresa ηλεκτρονικοταχυδρομειο אימייל מייל דואראלקטרוני דואל 이메일 이메일주소 елпошта електроннапошта пошта",
        "email mail correo courriel eposta epost emel почта \
        sahkoposti אימייל 이메일 пошта",
    ),
    (
        Field::Phone,
        "携帯 didong sodidong phone phones telephone tel mobile cell telefon handy mobil portable celular movil telefone telefono gsm \
        mobilephone cellphone mobiletel hometel worktel telefonmobil telmobil recapitotelefonico phonemobile phonework phonehome telmobile telportable whatsapp hp nohp wa \
        puhelin puhelinnumero matkapuhelin telefonszam telefonszama mobiltelefon τηλεφωνο κινητο κινητοτηλεφωνο טלפון נייד מספרטלפון 휴대폰 휴대폰번호 전화 전화번호 연락처 핸드폰 phonenumber mobilenumber mobiltlf tlf sms",
        "phone tel telefon telefoon telefoonnummer mobiel telephone telefono telefone handy mobil mobile mobilnummer rufnummer movil celular portable \
        whatsapp телефон \
        puhelin telefonszam τηλεφωνο κινητο טלפון 휴대폰 전화",
    ),
    (
        Field::FirstName,
        "ad isim имя ชอ nombre nome \
        jmeno krestnijmeno fornavn fornamn etunimi keresztnev prenume ονομα שםפרטי імя",
        "firstname givenname vorname prenom voornaam",
    ),
    (
        Field::LastName,
        "nom soyad \
        prijmeni efternavn etternavn efternamn sukunimi vezeteknev nume numedefamilie επωνυμο שםמשפחה прізвище",
        "lastname surname nachname familienname apellido apellidos sobrenome achternaam",
    ),
    (
        Field::FullName,
        "name lead kundnamn kundenavn contactname leadname kontaktname kundenname kontakt contact nom nombre nome contacto contato \
        ansprechpartner customername clientname personname customer client person nama isim имя имяклиента клиент nazwa \
        नाम ชอ 名前 お名前 姓名 naam الاسم اسم hovaten hoten ten kontaktperson cliente nomedocliente nomecliente nombredelcliente kunde applicant borrower student \
        studentname patient patientname applicantname borrowername callername caller invitee inviteename guestname member membername prospect \
        prospectname buyer buyername nomduclient yourname 学员姓名 客户姓名 фиопациента фиоклиента musteriadi primarycontact maincontact homeowner homeownername interessent nominativo alumno alumnoname namn navn emel \
        interlocuteur interlocutrice referente contactpersoon osobakontaktowa ilgilikisi nguoilienhe tennguoilienhe お客様名 顧客名 顧客氏名 担当者様 客户姓名 顾客姓名 고객이름 \
        namakontak контрагент اسمالعميل contactopersona personadecontacto pessoadecontato personnedecontact ansprechperson contactprincipal \
        nev teljesnev nume numecomplet ονοματεπωνυμο ονομα שםמלא שם 이름 성명 고객명 성함 nimi kokonimi celejmeno jmenoaprijmeni jmeno піб імя fuldenavn fulltnavn klant klantnaam naamklant pessoa persona tenkhachhang 客户名称 客户 联系人 联系人姓名 ชอลกคา ชอผตดตอ",
        "fullname nomcomplet nombrecompleto nomecompleto vollstandigername",
    ),
    (
        Field::Gender,
        "anrede salutation civilite",
        "gender geschlecht",
    ),
    (
        Field::DateOfBirth,
        "birth naissance nacimiento nascimento",
        "birth geburt naissance nacimiento nascimento dob рождения geboortedatum 生年月日 doggumgunu dogumtarihi urodzenia \
        nascita",
    ),
    (
        Field::City,
        "市 市区 区市町村 kotakabupaten ort kota poblacion thanhpho locality localidad localidade localite localita suburb municipio comune gemeente \
        by mesto varos oras orasul πολη עיר 도시 kaupunki місто postort paikkakunta",
        "city ciudad cidade citta",
    ),
    (
        Field::State,
        "tinhtp tinhthanh kabupaten stateorprovince statecode provincecode 所在省份 省市 region departement provincia uf estado stan il stato \
        judet judetul область",
        "bundesland provincia province",
    ),
    (
        Field::Zip,
        "cp cap zp \
        postal psc postnr postnummer postinumero iranyitoszam codpostal ταχυδρομικοςκωδικας τκ מיקוד 우편번호 поштовийіндекс індекс",
        "zip postalcode postcode postleitzahl codepostal codigopostal",
    ),
    (Field::Country, "land staat", "country pais"),
    (
        Field::Currency,
        "currency currencycode currencyisocode currencyid wahrung devise monnaie moneda moeda valuta valuuta waluta валюта \
        parabirimi doviz العملة मुद्रा matauang tiente สกลเงน 通貨 币种 货币 amountcurrency opportunityamountcurrency",
        "currency wahrung",
    ),
    (
        Field::Value,
        "value amount bedrag waarde dealvalue leadvalue revenue betrag wert umsatz auftragswert montant valeur importe importo valor \
        opportunity opportunityamount opportunityvalue monetaryvalue expectedrevenue price precio preco сумма бюджет \
        wartosc kwota tutar deger 金額 金额 amountusd dealamount \
        castka belob belopp summa osszeg suma ποσο סכום 금액 сума",
        "amount betrag montant importe importo",
    ),
    (Field::Fbclid, "facebookclickid metaclickid", "fbclid"),
    (Field::Fbc, "", "fbc"),
    (Field::Fbp, "", "fbp"),
    (Field::ClientIpAddress, "ip", "ip"),
    (Field::ClientUserAgent, "ua", "useragent"),
];

/// What the headings of a field say.
pub(super) struct OfField {
    /// All of a heading.
    pub exact: HashSet<String>,
    /// A part of it.
    pub parts: HashSet<String>,
}

/// The headings of a field.
pub(super) static HEADINGS: LazyLock<Vec<(Field, OfField)>> = LazyLock::new(|| {
    let of = |&(field, exact, parts): &(Field, &str, &str)| {
        let (exact, parts) = (set(exact), set(parts));
        (field, OfField { exact, parts })
    };
    FIELDS.iter().map(of).collect()
});

/// Words around the name of a column, which say nothing of what it holds.
pub(super) static QUALIFIERS: Words = LazyLock::new(|| {
    set(
        "active principal principale hoofd основной основное lead leads contact contacts kontakt person personal people customer client user \
    primary main work home business private other direct secondary alternate additional address addresses mailing \
    billing fields properties property attributes data no nr num number numero numer numara nomor nummer name s \
    hs crm current latest del do da de du des der di van von la le el the of de trabajo particular trabalho comercial pessoal \
    personne professionnel geschaftlich privat privato рабочий рабочая личный личная мобильный номер клиента лида \
    field custom cf mx x studio o a y et und e i en для firmowy prywatny zakelijk is kantor cliente kunde kunden applicant borrower student patient \
    prospecto prospek klant sender iso piste pistes khach hang khachhang invitee guest member homeowner interessent alumno best buyer prospect learner tenant donor musteri пациента заявки klient clienti privatnummer your my what and is",
    )
});

/// Headings of a stage.
pub(super) static STAGE: Words = LazyLock::new(|| {
    set(
        "tahap tahapan tahapprospek statotrattativa dealstate leadstate statustype leadstatustype step leadstep pipelinestep stage leadstage leadsstage dealstage pipelinestage lifecyclestage leadstatus leadsstatus phase \
    vertriebsphase leadphase stufe etapa etape fase estagio etapadolead etapadellead etapadelembudo etapadofunil statutdulead \
    estadodellead statusdolead situacaodolead estadodelead statolead statodellead fasevendita lifecyclephase stageid \
    pipelinestageid statusid leadstatusid statuscode statuslabel stagename pipelinestatus salesstage opportunitystage \
    contactstage prospectstage currentstage stageactuel salesphase dealphase statusprospek statuslead etap etapsprzedazy asama \
    satisasamasi стадия этап этапсделки стадиялида статуслида стадиясделки etapadenegocio faseventa estagionofunil \
    leadstadium verkoopfase etapu statusu trangthailead giaidoan المرحلة مرحلة มขนตอน ขนตอน フェーズ 商談フェーズ 線索状态 线索状态 线索阶段 阶段 销售阶段 \
    客户状态 跟进状态 चरण newvalue neuerwert nouvellevaleur nuevovalor valornuevo novovalor \
    vaihe myyntivaihe stadiu etapa stadiul 상담단계 영업단계 단계 fazeobchodu faze szakasz",
    )
});
/// Headings that often mean the stage, and as often something else.
pub(super) static STATUS: Words = LazyLock::new(|| {
    set(
        "moiquanhe resultado resultat ergebnis risultato resultaat wynik status statut estatus estado situacao situacion bearbeitungsstatus bearbeitungsstand stand esito avancement 対応状況 跟进状态 loanstatus \
    applicationstatus stato stan durum статус состояние \
    الحالة حالة स्थिति सथत trangthai tinhtrang สถานะ สถานะลกคา สถานะ ステータス 状態 状态 状況 情况 disposition outcome leadresult \
    stav statusz status tila κατασταση סטטוס 상태 상담상태 진행상태 stare starea статусу",
    )
});
pub(super) static STAGE_WORDS: Words = LazyLock::new(|| {
    set(
        "tahap tahapan stage phase stufe etapa etape fase estagio status statut estatus estado situacao stato etap \
    durum asama etapu statusu statu stand стадия стадии этап этапа статус статуса الحالة حالة المرحلة trangthai stan funnel pipeline สถานะ ステータス 状態 状态 阶段 \
    stav stavu statusz status tila vaihe vaiheen stadiu stadiului κατασταση καταστασης סטטוס 상태 етап етапу статусу faze fazis szakasz",
    )
});
/// Words that only a stage's heading has, in whatever company.
pub(super) static STRONG: Words = LazyLock::new(|| {
    set(
        "tahap tahapan stage phase stufe etapa etape fase estagio etap etapu asama стадия стадии этап этапа المرحلة مرحلة giaidoan ขนตอน フェーズ 阶段 \
        चरण funnel \
    vaihe stadiu etapu етап етапу 단계 faze",
    )
});
/// Texts of a status that systems keep for themselves.
pub(super) static TECHNICAL: Words = LazyLock::new(|| {
    set(
        "synced sync duplicate active inactive enabled disabled archived deleted success failed error sent delivered published \
        draft valid ok subscribed unsubscribed verified unverified true false frozen expired paid unpaid bounced opened queued",
    )
});
/// Words of texts about a stage that are none.
pub(super) static NO_STAGE: Words = LazyLock::new(|| {
    set(
        "old previous alter ancien anterior reason grund motivo motif source quelle origen origem \
    origine fuente description beschreibung descripcion descricao note notes email mail phone sms sync payment zahlung pago \
    pagamento marketing subscription optin optout consent approval import verification delivery call url link href title \
    timezone zeitzone locale titel titulo type semantic employment marital job account visa причина источник тип quality",
    )
});
/// Words of a time that says when something changed.
pub(super) static CHANGE: Words = LazyLock::new(|| {
    set(
        "zmieniono zmieniony faseovergang overgang pindah chuyen doi 変更 変更日 変更日時 变更 变更时间 перехода переход entrou entro activefrom changed change changes since entered entry moved moving move movimentacao movimentado movida movido geandert anderung seit \
    gewechselt wechsel modifie changement depuis cambio cambiado desde mudanca alterado alteracao variazione gewijzigd \
    wijziging zmiany zmiana изменения смены degisim degisiklik degistirme تغيير perubahan thaydoi transition \
    zmenen zmeneno zmeny zmena aendret andret endret muuttunut muutettu muutos modositva modositas modosulas schimbarii schimbare schimbat αλλαγης αλλαγη שינוי 변경 변경일 변경일시 зміни змінено lastmodified",
    )
});
/// Headings of a row's own time.
pub(super) static WHEN: Words = LazyLock::new(|| {
    set(
        "date time datetime timestamp datum zeit zeitpunkt zeitstempel uhrzeit fecha hora fechayhora data \
    dataora datahora horodatage horodateur tijdstempel dateheure eventtime eventdate editdate when ts at tarih дата время датаивремя تاريخ التاريخ \
    tanggal ngay thoigian วนท 日付 日時 日期 时间 दिनांक दनक तारीख तरख tijd tijdstip tarikh dato activityat occurredat \
    dato datum data paivamaara paiva datuma ημερομηνια תאריך 날짜 일시 idopont",
    )
});
/// What Google Forms heads the time of an answer with, in the language of its sheet.
pub(super) static FORM_TIMES: Words = LazyLock::new(|| {
    set(
        "timestamp horodateur horodatage zeitstempel marcatemporal carimbodedatahora informazionicronologiche tijdstempel \
        sygnaturaczasowa zamandamgasi отметкавремени タイムスタンプ 타임스탬프 时间戳记 时间戳 時間戳記 stempelwaktu dauthoigian tidsstampel tidsstempel",
    )
});
/// Words of the time of any edit, which is not that of the stage.
pub(super) static EDITED: Words = LazyLock::new(|| {
    set(
        "modified modify modification updated update updates edited geandert aktualisiert bearbeitet \
    anderung modifie modifiee modifiele misajour miseajour modificado modificada modificacion modificacao actualizado actualizada \
    actualizacion atualizado atualizada atualizacao modificacao modifica modificato aggiornato aggiornamento bijgewerkt \
    gewijzigd aktualizacji modyfikacji изменения изменен обновления обновлен редактирования guncelleme guncellenme degistirme \
    تحديث التحديث تعديل diperbarui diupdate capnhat cậpnhật 更新日 更新日時 最終更新日 更新时间 修改时间 อปเดต แกไข andrad uppdaterad aendret opdateret endret oppdatert kemaskini lastmodified \
    lastmodifieddate modifiedon modifieddate updatedat datemodified datemodify udate lastupdated lastupdate systemmodstamp \
    upraveno aktualizovano opdateret paivitetty frissitve actualizat actualizarii ενημερωσης עדכון 수정일 оновлено оновлення",
    )
});
/// Words of the time a record was made.
pub(super) static CREATED: Words = LazyLock::new(|| {
    set(
        "creee creees toegevoegd rcvd created creation create optin entrydate query register subscribed added submitted submission entered enquiry inquiry registered \
    registration anfrage anfragedatum aanvraag signup signedup received entrada ingreso erstellt erstellung erstellungsdatum angelegt anlagedatum eingang eingegangen \
    creation soumission recu cree creado creada creacion alta registro criado criada criacao cadastro envio creazione creato \
    creata inserimento aangemaakt aanmaakdatum utworzenia dodania zgloszenia utworzono utworzona utworzony dodano zgloszono создания создан поступления регистрации заявки \
    olusturulma olusturma kayit basvuru الإنشاء الانشاء التسجيل الاضافة الإضافة dibuat masuk daftar tao dangky 作成日 登録日 \
    作成日時 登録日時 受付日 创建时间 创建日期 录入时间 提交时间 สราง ลงทะเบยน skapad skapat oprettet opprettet createdate createdon createdat createddate datecreated \
    datecreate dateadded submit submitdate application applied join joined cdate addtime dateentered leadtime leaddate leadcreated submittime leadsubmittime marcatemporal \
    vytvoreno vytvoren zalozeno oprettet luotu letrehozva letrehozas crearii creat creata adaugat δημιουργιας δημιουργια יצירה נוצר 등록일 생성일 신청일 접수일 등록일시 створення створено enquired inquired cadastrado cadastrada registrado registrada",
    )
});
/// Words of times that are no stage's: what is planned, or happened for other reasons.
pub(super) static OTHER_TIMES: Words = LazyLock::new(|| {
    set(
        "preferred desired wished next due deadline closing close closedate expected estimated decision reminder follow \
    followup birth birthday birthdate dob activity login seen sync synced import imported export exported fivetran modstamp \
    passport expiry expires expiration valid appointment appt meeting scheduled schedule install renewal visa \
    anniversary possession rappel wiedervorlage nachste fallig falligkeit termin geplant abschluss geburt aktivitat importiert \
    prochaine prochain echeance cloture activite rendezvous rdv naissance proxima proximo cierre vencimiento recordatorio \
    nacimiento actividad cita fechamento vencimento nascimento atividade agendamento lembrete clicked visit delivered bounced \
    appuntamento scadenza chiusura nascita prossimo geboortedatum afspraak verval volgende termin spotkania urodzenia randevu \
    dogum vade паспорта выдачи рождения встречи закрытия напоминания موعد الميلاد الانتهاء janji lahir jatuhtempo hen henlich \
    sinh 生年月日 予定日 期日 次回 预约 生日 到期 นดหมาย วนเกด birthtime lahir lastlogin email answered rating tstamp adate edate \
    reviewed start end begin von bis ende beginn \
    fitting",
    )
});
/// Words of times of a last contact, which may be any.
pub(super) static LAST_CONTACT: Words =
    LazyLock::new(|| set("contacted contact kontakt contacto contato contatto activity seen"));
/// Words of headings that are about somebody else than the lead.
pub(super) static OTHER_PEOPLE: Words = LazyLock::new(|| {
    set(
        "owner owners assigned assignee agent rep salesrep salesperson seller creator by \
    cc bcc besitzer inhaber eigentumer verantwortlich verantwortlicher zustandig zustandiger bearbeiter betreuer mitarbeiter \
    verkaufer proprietaire responsable attribue commercial conseiller propietario asignado asignada vendedor usuario \
    proprietario responsavel atribuido dono company firma empresa entreprise organization organisation org account unternehmen \
    campaign kampagne form adset referrer referredby partner manager supervisor team assistant spouse cocontact reports \
    saljare saelger selger responsabile agente venditore azienda bedrijf verkoper eigenaar opiekun handlowiec ответственный менеджер сотрудник \
    компания компании sorumlu temsilcisi temsilci sirket الموظف المسؤول الشركة المندوب penanggung karyawan perusahaan \
    nhanvien phutrach congty 担当者 担当 会社名 会社 负责人 销售 公司 ผรบผดชอบ บรษท parent employer institution broker \
    dealer staff employee officer counsellor counselor negotiator advisor adviser consultant consultor corretor makelaar \
    adviseur danisman sachbearbeiter berater doctor teacher father mother guardian emergency admin administrator администратор \
    врач child children kid kids pupils enfant enfants hijo hija filho filha bambino dziecko ребенка ребенок cocuk asesor gestor setter closer sdr bdr processor coordinator coordinador trainer host 顾问 executive telecaller \
    vlastnik obchodnik ansvarlig ejer ansvarig myyja vastuuhenkilo felelos ertekesito responsabilul υπευθυνος נציג 담당자 менеджера відповідальний \
    supplier suppliers vendor vendors installer installers handler contractor technician lieferant lieferanten installateur \
    monteur handlowca handlowcy doradca doradcy opiekuna dostawca dostawcy fornecedor fornecedora instalador proveedor fournisseur \
    installatore fornitore consulente leverancier adviseur tedarikci bayi поставщик продавец продавца vanzator leverandor leverantor \
    toimittaja medico medica medecin arzt doktor profesor professor maestro docente insegnante leraar lehrer",
    )
});
/// What a lead is to the businesses that lead exports come from: who an email or a phone is that of.
pub(super) static LEAD_PARTY: Words = LazyLock::new(|| {
    set(
        "lead leads contact contacts customer customers client clients buyer buyers purchaser patient patients student students \
    pupil learner member guest applicant candidate borrower tenant homeowner prospect prospects person people caller invitee \
    attendee participant subscriber donor contactpersoon kontaktperson ansprechpartner referente interlocuteur enquirer visitor shopper enquirer inquirer kontakt kontakte kunde kunden kundin kaufer mieter \
    interessent interessenten schuler teilnehmer mitglied cliente clientes clienti contacto contato contatto comprador compradora \
    prospecto interesado interessado interessada paciente pacientes alumno alumna aluno aluna estudiante estudante miembro \
    persona pessoa personne prospect acheteur acquereur eleve etudiant membre locataire acquirente paziente studente allievo \
    iscritto klant klanten koper huurder leerling patienten klient klienta klienci kupujacy pacjent uczen kursant najemca \
    клиент клиента покупатель покупателя пациент пациента ученик ученика лид лида контакт musteri alici hasta ogrenci \
    العميل عميل الزبون ग्राहक pelanggan pembeli pasien nasabah siswa prospek khach khachhang khachmua kund kopare kober \
    asiakas ostaja zakaznik kupujici ugyfel vevo client cumparator πελατης לקוח 고객 고객명 клієнт клієнта покупець 客户 顧客 お客様",
    )
});
/// Whom a business also serves besides whoever got in touch with it.
pub(super) static ROLES: Words = LazyLock::new(|| {
    set(
        "student students pupil learner patient patients tenant tenants guest guests participant participants attendee \
    attendees candidate candidates member members occupant schuler eleve alumno alumna aluno aluna allievo paciente \
    paziente patienten пациента ученика mieter huurder locataire",
    )
});
/// Words of those who get in touch for somebody in their care.
pub(super) static CARERS: Words = LazyLock::new(|| {
    set(
        "guardian guardians parent parents mother father mum mom dad carer caregiver eltern elternteil padre madre pai mae \
    genitore rodzic родителя родитель veli",
    )
});
/// Names of what holds values in records, whoever they are about, and of kinds of emails and phones.
pub(super) static CONTAINERS: Words = LazyLock::new(|| {
    set(
        "payload data result results item items record records attributes properties fields values value text raw object body \
    event events response info information details detail profile identity content list entry entries embedded included \
    relationships answers answer questions submission submissions form crm json node nodes edges row rows hits source communication \
    communications channel channels contactinfo contactdata contactdetails coordinates kontaktdaten contactgegevens kontaktdata \
    point reminder default preferred verified valid first second third extra best id key ids count flat normalized formatted e164 full \
    fixed landline cellular voice home mobil movel movil fijo fija fixo fixa residencial residenziale casa domicile fixe fisso \
    festnetz festnetznummer fest vast vaste vast mobiele mobiel thuis dienstlich prive domowy komorkowy komorkowa stacjonarny \
    городской домашний мобильный sabit cep evde rumah seluler didong dom optional recovery celulares line linea ligne",
    )
});
/// Words of countries that a lead comes from, or wants to go to.
pub(super) static OTHER_COUNTRIES: Words = LazyLock::new(|| {
    set(
        "nationality nationalitat nacionalidad nationalite nazionalita nationaliteit nacionalidade citizenship citizen passport \
    birth born origin destination interest interested preferred target visa study language staatsangehorigkeit uyruk \
    гражданство الجنسية kewarganegaraan quoctich 国籍",
    )
});
/// Words of ids that are Meta's, and not the lead's.
pub(super) static OTHER_IDS: Words = LazyLock::new(|| {
    set(
        "ad ads adset campaign kampagne campagne campana form formular page pixel account \
    dataset business adid adgroup adgroupid asset",
    )
});
/// Words of exports that are not about leads at all.
pub(super) static OTHER_THINGS: Words = LazyLock::new(|| {
    set(
        "ticket tickets invoice fulfillment fulfilment sku incident refund refunded lineitem subtotal helpdesk",
    )
});
/// Words of exports about deals, whose name is no person's.
pub(super) static DEALS: Words = LazyLock::new(|| {
    set(
        "deal deals opportunity pipelineid price monetaryvalue monetary dealname сделки сделка сделке trattativa trattative negocio \
    negocios oportunidad oportunidade opportunite affaire szansa szansy firsat peluang 商談 案件 商机",
    )
});
/// Words that a name of a stage has, in any funnel.
pub(super) static FUNNEL: Words = LazyLock::new(|| {
    set(
        "vendida vendido ganha aberto aberta abierto abierta andamento ouvert ouverte gagnee perdue ganada lopend \
    waiting new lead leads qualified mql sql prospect contacted opportunity customer client won lost demo \
    compareceu pago paga showed attended purchased asistio pagado acudio erschienen bezahlt gekauft venu paye presentato pagato \
    proposal negotiation converted nurture nurturing appointment disqualified unqualified subscriber closed open working assigned \
    booked interested enrolled sale sold inquiry enquiry hot warm cold signed quote quoted quotation invoiced funded approved admitted admission activated onboarded inspected measured contract contractsent follow \
    followup process processing progress recycled junk dead survey viewing visit deposit paid installed trial attempted \
    connect connected reachable called sent offer oppty callback no_answer dead trash \
    raw qualification prospecting handoff accepted proposition intake closedwon presentation \
    neu qualifiziert kontaktiert kunde anfrage auftrag abgelehnt erstellt gewonnen verloren angebot termin interessent abschluss abgeschlossen disqualifiziert \
    erstgesprach abschlussgesprach absage unterschrieben handover offen kontakt \
    nouveau nouvelle visite offre compromis signature qualifie contacte opportunite gagne perdu devis vente signe rappeler rappel \
    nuevo nueva calificado cualificado contactado oportunidad cliente ganado ganada perdido perdida propuesta negociacion cita \
    agendada interesado oferta logrado venta prospecto prueba apartado facturado visita \
    novo nova qualificado contatado oportunidade ganho vendido proposta negociacao agendado venda interessado atendimento visita \
    nuovo contattato qualificato preventivo vinto perso trattativa chiuso \
    nieuw gebeld offerte gewonnen verloren afspraak gekwalificeerd klant \
    nowy nowa oferta wygrany wygrana przegrany przegrana kontakt klient umowa \
    новый новая обработан работе качественный некачественный лид сделка договор оплата оплачено успешно закрыто контакт \
    переговоры отказ интерес квалифицирован клиент контакт встреча \
    yeni gorusuldu teklif kazanildi kaybedildi satis musteri arandi olumlu olumsuz randevu \
    جديد التواصل مهتم البيع بيع عميل مؤهل خسارة \
    नया सपरक रच बकर नय \
    baru dihubungi berminat closing tertarik pelanggan penawaran survei \
    moi lien he quan tam chot don khach hang bao gia \
    novy nova kontaktovan nabidka vyhrano prohrano kontaktet tilbud vundet tabt uusi kontaktoitu tarjous voitettu havitty uj felhivva ajanlat nyert elveszett nou contactat oferta castigat pierdut νεο επικοινωνια προσφορα κερδισμενο χαμενο חדש קשר הצעת נסגר новии лід робот роботі пропозиція успішно відмова booked reserved reservation kontaktad offert vunnen forlorad",
    )
});
/// The same for scripts that do not part words: anywhere in the text.
pub(super) static FUNNEL_PARTS: Words = LazyLock::new(|| {
    set(
        "新規 連絡 商談 受注 失注 見積 成約 契約 アポ 新线索 跟进 成交 流失 意向 签约 报价 未联系 已联系 ใหม ตดตอ สนใจ ปดการขาย \
    เสนอราคา ลกคา संपर्क संपरक संपरकक \
    신규 상담 견적 계약 성공 실패 연락",
    )
});
/// Words around the name of a stage in the heading of its date.
pub(super) static AROUND_STAGE: Words = LazyLock::new(|| {
    set(
        "became became a an the date time at on since entered reached datum am seit wurde zum \
    erreicht le du de la del el fecha data em do da dem der die das en desde depuis passe devenu stage status phase etapa etape \
    in into when is timestamp moved to дата op",
    )
});
/// Words of headings of consent.
pub(super) static CONSENT: Words = LazyLock::new(|| {
    set(
        "consent consents consented gdpr dsgvo lgpd rgpd einwilligung werbeeinwilligung zustimmung consentement consentimiento \
    consentimento autorizacion autorizacao consenso toestemming zgoda zgody согласие onay onayi kvkk izni riza موافقة सहमति persetujuan dongy \
    ยนยอม 同意 동의 souhlas samtykke samtycke suostumus hozzajarulas consimtamant συγκαταθεση הסכמה згода optin optedin \
    subscribed",
    )
});
/// Parts of headings that tell who wants to hear no more.
pub(super) static OPT_OUT: Words = LazyLock::new(|| {
    set(
        "optout optedout unsubscribe donotcontact donotcall donotemail donotmarket abgemeldet werbesperre desabonne desinscrit \
    desuscrito nocontactar naocontatar descadastrado disiscritto uitgeschreven wypisany отписан",
    )
});
/// Words of headings that tell where a lead comes from.
pub(super) static SOURCE: Words = LazyLock::new(|| {
    set(
        "source leadsource utmsource platform quelle leadquelle origen origem origine fuente bron fonte zrodlo источник kaynak المصدر \
    स्रोत sumber nguon แหลงทมา 流入元 来源 渠道 zdroj kilde kalla lahde forras sursa πηγη מקור 유입경로 джерело canal kanal channel",
    )
});
/// Words of a source that is Meta's.
pub(super) static META: Words = LazyLock::new(|| {
    set("facebook fb instagram insta ig meta messenger social facebookads facebooklead leadads")
});
/// Names of the stage that leads begin in, run together.
pub(super) static RAW_LEAD: Words = LazyLock::new(|| {
    set(
        "neu neuerlead neuelead neueanfrage neuanfrage nuevo nuevolead nuevoprospecto leadnuevo novo novolead leadnovo nouveau \
    nouveaulead nouveaucontact nuovo nuovolead nieuw nieuwelead nowy nowylead новый новыйлид новаязаявка новая yeni yenilead \
    yenimusteri جديد عميلجديد नया नयालीड baru leadbaru prospekbaru moi leadmoi khachmoi ใหม ลดใหม 新規 新規リード 新線索 新线索 新客户 \
    novy novylead novapoptavka ny nylead nytlead nyttlead uusi uusiliidi uj ujlead nou leadnou νεο νεοlead νεος חדש לידחדש 신규 \
    신규리드 новий новийлід newinquiry newenquiry newprospect newcontact uncontacted notcontacted notyetcontacted \
    nichtkontaktiert nochnichtkontaktiert 未联系",
    )
});
/// Names of Meta and of what it runs, as headings have them.
pub(super) static PLATFORMS: Words = LazyLock::new(|| {
    set(
        "meta facebook fb instagram فيسبوك фейсбук фейсбука фейсбуке 페이스북 페북 메타 인스타그램 פייסבוק מטא 脸书 臉書 フェイスブック メタ เฟซบก फसबक",
    )
});
/// What a lead is called in headings of its id.
pub(super) static LEAD_WORDS: Words = LazyLock::new(|| {
    set(
        "lead leads leada leadu leadgen leadid prospect prospecto prospek prospects potencial potenziale piste interessent interessenten \
    лид лида лід ліда заявки 리드 잠재고객 ליד リード 見込み客 线索 線索 潜客 客户 客戶 عميل العميل ลด लड",
    )
});
/// Words of exports of homes to let or to sell: a property there is what is on offer, not where the lead lives.
pub(super) static LISTINGS: Words = LazyLock::new(|| {
    set(
        "landlord landlords vendor listing listings viewing viewings rent rental letting lettings tenancy negotiator mls bedrooms beds \
    applicant vermieter mieter miete inquilino inquilina alquiler aluguel locataire loyer bailleur affitto locatario verhuurder huurder",
    )
});
/// Places that are not where a lead lives, whatever the column beside the word says.
pub(super) static OTHER_PLACES: Words = LazyLock::new(|| {
    set(
        "office store shop branch venue event tour course hotel departure arrival school clinic campus dealership showroom workshop \
    center centre listing origin destination filiale filial sucursal agence agencia succursale standort sede oficina escritorio vestiging",
    )
});
/// Words for a date in a heading whose time of day stands in a column beside it.
pub(super) static DAY_WORDS: Words = LazyLock::new(|| {
    set(
        "date datum fecha data dia dag day tarih tarihi tanggal ngay дата تاريخ 日付 日 日期 on am op",
    )
});
/// Words for a time of day in such a column's heading.
pub(super) static CLOCK_WORDS: Words = LazyLock::new(|| {
    set(
        "time hora horario ora heure uhrzeit zeit saat saati jam gio godzina czas время час وقت الوقت ساعة 時刻 時間 时间 tijd tijdstip tid \
    klokkeslaet klokkeslett at um",
    )
});
