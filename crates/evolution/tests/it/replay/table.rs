//! What each recorded answer means.

/// How much of the recorded request we make too.
#[derive(Clone, Copy)]
pub(super) enum Like {
    /// Method, path and body.
    Request,
    /// Method and path; the recorded body holds what we never send, or lacks what we always do.
    Route,
    /// None of it: only the answer is of interest.
    Answer,
}

/// Recordings of calls we never make, by reason.
pub(super) const NOT_CALLED: &[(&str, &[&str])] = &[
    ("a broken body cannot be written by us", &["027"]),
    (
        "the webhook is given with the session and never changed or read",
        &[
            "050", "051", "052", "053", "054", "055", "056", "057", "605", "606", "615", "616",
            "617",
        ],
    ),
    ("routes that do not exist", &["090", "091", "092"]),
    (
        "lists, polls and reactions are no messages of ours",
        &["351", "352", "353"],
    ),
];

/// Number, likeness of the request, and what the operation answers.
pub(super) const CASES: &[(&str, Like, &str)] = &[
    ("001", Like::Request, r#"Ok("2.3.7")"#),
    (
        "124",
        Like::Route,
        r#"Err(Refused("400 StatusJidList is required"))"#,
    ),
    (
        "125",
        Like::Route,
        r#"Err(Refused("400 type is not one of enum values: text,image,audio,video"))"#,
    ),
    // We name nobody: all contacts are meant.
    (
        "350",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB0AE1E6D918534725ECB"), address: Some(Other) })"#,
    ),
    ("010", Like::Request, "Err(Unauthorized)"),
    ("011", Like::Request, "Err(Unauthorized)"),
    ("012", Like::Answer, "Err(Unauthorized)"),
    ("013", Like::Answer, "Err(Unauthorized)"),
    ("014", Like::Request, "Ok([])"),
    ("020", Like::Route, "Ok(())"),
    ("021", Like::Route, "Err(NameTaken)"),
    ("022", Like::Answer, "Err(NameTaken)"),
    (
        "023",
        Like::Route,
        r#"Err(Failed("400 Invalid integration"))"#,
    ),
    (
        "024",
        Like::Route,
        r#"Err(Failed("400 Invalid integration"))"#,
    ),
    (
        "025",
        Like::Route,
        r#"Err(Failed("400 number does not match pattern \"^\\\\d+[\\\\.@\\\\w-]+\""))"#,
    ),
    (
        "026",
        Like::Route,
        r#"Err(Failed("400 Cannot read properties of undefined (reading 'length')"))"#,
    ),
    ("030", Like::Request, "Ok(Close)"),
    ("031", Like::Request, "Err(UnknownSession)"),
    ("032", Like::Request, "Ok(Close)"),
    ("033", Like::Request, "Err(Unauthorized)"),
    ("034", Like::Request, "Err(UnknownSession)"),
    (
        "040",
        Like::Request,
        r#"Ok([SessionInfo { session: "clinic-01", state: Close, owner: None, disconnection_code: None }])"#,
    ),
    (
        "041",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "clinic-01", state: Close, owner: None, disconnection_code: None }))"#,
    ),
    ("042", Like::Request, "Ok(None)"),
    (
        "043",
        Like::Request,
        r#"Ok([SessionInfo { session: "clinic-01", state: Close, owner: None, disconnection_code: None }])"#,
    ),
    (
        "100",
        Like::Request,
        r#"Err(NotConnected("500 Cannot read properties of undefined (reading 'onWhatsApp')"))"#,
    ),
    (
        "101",
        Like::Route,
        r#"Err(Refused("400 instance requires property \"text\""))"#,
    ),
    (
        "102",
        Like::Request,
        r#"Err(Refused("400 Text is required"))"#,
    ),
    ("103", Like::Route, r#"Err(Refused("400 Invalid format"))"#),
    (
        "104",
        Like::Route,
        r#"Err(Refused("400 instance requires property \"number\"; instance requires property \"text\""))"#,
    ),
    (
        "105",
        Like::Route,
        r#"Err(Refused("400 instance requires property \"text\""))"#,
    ),
    (
        "106",
        Like::Route,
        r#"Err(Refused("400 Enter a value in milliseconds"))"#,
    ),
    (
        "107",
        Like::Request,
        r#"Err(NotConnected("404 The \"ghost\" instance does not exist"))"#,
    ),
    (
        "108",
        Like::Request,
        r#"Err(GatewayDown("401 Unauthorized"))"#,
    ),
    (
        "109",
        Like::Request,
        r#"Err(GatewayDown("401 Unauthorized"))"#,
    ),
    (
        "110",
        Like::Route,
        r#"Err(Refused("400 mediatype is not one of enum values: image,document,video,audio"))"#,
    ),
    (
        "111",
        Like::Route,
        r#"Err(Refused("400 instance requires property \"mediatype\""))"#,
    ),
    (
        "112",
        Like::Route,
        r#"Err(Refused("400 Owned media must be a url or base64"))"#,
    ),
    (
        "113",
        Like::Route,
        r#"Err(Refused("400 For base64 the file name must be informed."))"#,
    ),
    (
        "114",
        Like::Route,
        r#"Err(Transient("500 Error: getaddrinfo ENOTFOUND example.test"))"#,
    ),
    (
        "116",
        Like::Route,
        r#"Err(Refused("400 Owned media must be a url or base64"))"#,
    ),
    (
        "117",
        Like::Route,
        r#"Err(Refused("400 Owned media must be a url, base64, or valid file with buffer"))"#,
    ),
    (
        "118",
        Like::Route,
        r#"Err(Refused("400 instance requires property \"name\"; instance requires property \"address\""))"#,
    ),
    (
        "119",
        Like::Route,
        r#"Err(Refused("400 contact[0] requires property \"phoneNumber\""))"#,
    ),
    (
        "120",
        Like::Answer,
        r#"Err(Refused("400 At least one button is required"))"#,
    ),
    (
        "121",
        Like::Request,
        r#"Err(Refused("400 Reply buttons cannot be mixed with other button types"))"#,
    ),
    (
        "123",
        Like::Answer,
        r#"Err(Unknown("500 Cannot read properties of undefined (reading 'length')"))"#,
    ),
    ("126", Like::Request, "Err(Unavailable)"),
    (
        "127",
        Like::Answer,
        r#"Err(Failed("400 numbers does not meet minimum length of 1"))"#,
    ),
    (
        "128",
        Like::Request,
        r#"Err(Failed("200 [object Object]"))"#,
    ),
    ("129", Like::Request, "Ok(())"),
    ("130", Like::Request, "Err(UnknownSession)"),
    ("131", Like::Request, "Ok(())"),
    ("132", Like::Request, "Err(UnknownSession)"),
    ("140", Like::Request, "Ok(NotYet)"),
    ("141", Like::Request, "Ok(Close)"),
    ("142", Like::Request, "Ok(NotYet)"),
    (
        "143",
        Like::Request,
        r#"Err(NotConnected("500 Connection Closed"))"#,
    ),
    ("145", Like::Route, "Ok(())"),
    ("146", Like::Route, "Ok(())"),
    (
        "147",
        Like::Request,
        r#"Err(Failed("200 [object Object]"))"#,
    ),
    ("148", Like::Request, "Ok(())"),
    (
        "149",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "clinic-01", state: Close, owner: None, disconnection_code: None }))"#,
    ),
    ("200", Like::Route, "Ok(())"),
    ("201", Like::Request, "Ok(Connecting)"),
    (
        "203",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "clinic-01", state: Connecting, owner: None, disconnection_code: None }))"#,
    ),
    ("204", Like::Request, "Ok(())"),
    (
        "205",
        Like::Request,
        r#"Ok(Code { qr: "2@KYUEUFIQn1Rl/kDS8BGKqhus19KCl7Ta3P5X72dvh+aq/IuVfZzaao4G+EaA6/Lx,KDYLFNYne1wyOQlX+WmJNGepgqyuAyTXbq1H/+Z95gk=,avGA4lmqBU97HjBEYcC9XAN8nhL03I5wjDtv8tdkayA=,4bnwKVfbJyUTaqF9k+bnaoP5LGH0hVf4gxmtS2ri/BU=", pairing: None })"#,
    ),
    ("206", Like::Route, "Ok(())"),
    ("207", Like::Route, "Ok(())"),
    ("209", Like::Route, "Ok(())"),
    (
        "210",
        Like::Request,
        r#"Ok(Code { qr: "2@FadOdD1OqBkRnxiZITdbjlD3w3w3gK2O+rJnTI1ug3N16CQaK9TT7DYnTOzt1OUv,MyOevCJA6o+y9u33gQ9x0kFA5HmIucMTFAYWJ57wYws=,swiiQ4wMh9kOIRo+Um28jaGmGUUgg9KzYH+Wr0tjTGM=,TkGv7PJ/6qfKvb3jTSx8M0zUXrl6b8NZHtwvq6bp4Pw=", pairing: Some("KT6YP36A") })"#,
    ),
    ("212", Like::Request, "Ok(Open)"),
    ("213", Like::Request, "Ok(AlreadyOpen)"),
    (
        "214",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "clinic-01", state: Open, owner: Some(+55…78), disconnection_code: None }))"#,
    ),
    (
        "300",
        Like::Request,
        r#"Ok(Accepted { key_id: Some("3EB02C33016EEEA94B4919"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "301",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB0239FF5736FEB646EE7"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "303",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB081998CD4390C5EB867"), address: Some(Phone(+55…21)) })"#,
    ),
    ("304", Like::Request, "Err(NoWhatsApp)"),
    (
        "305",
        Like::Request,
        r#"Ok(Accepted { key_id: Some("3EB05D64A3A008015F6E8F"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "310",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB0AD3478BFEC221BC8D8"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "311",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB0D799E90C72EC405D82"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "312",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB074030D57FF75D575B1"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "313",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB0DA8E1EA3F0D1C80C0E"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "320",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB01ED7BAA08FE23BEA57"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "321",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB040A8947A79147CCFA2"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "330",
        Like::Request,
        r#"Ok(Accepted { key_id: Some("3EB09CF4DCF721442C163D"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "331",
        Like::Route,
        r#"Ok(Accepted { key_id: Some("3EB030C21FA254A9EF2895"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "340",
        Like::Request,
        r#"Ok(Accepted { key_id: Some("3EB064C26D3844B4E5A10F"), address: Some(Phone(+55…21)) })"#,
    ),
    (
        "360",
        Like::Answer,
        r#"Ok([NumberCheck { asked: "5511987654321", address: Some(Phone(+55…21)) }, NumberCheck { asked: "5511900000000", address: None }])"#,
    ),
    ("361", Like::Request, "Ok(Some(Read))"),
    (
        "380",
        Like::Request,
        r#"Err(Unknown("400 Error: Timed Out"))"#,
    ),
    ("383", Like::Request, "Ok(Open)"),
    (
        "384",
        Like::Request,
        r#"Err(NotConnected("400 Error: Connection Closed"))"#,
    ),
    (
        "387",
        Like::Request,
        r#"Err(Failed("500 Error: Connection Closed"))"#,
    ),
    ("388", Like::Request, "Ok(())"),
    ("389", Like::Request, "Ok(Open)"),
    (
        "390",
        Like::Request,
        r#"Ok(Accepted { key_id: Some("3EB0C59B38A8B5AB392687"), address: Some(Phone(+55…21)) })"#,
    ),
    ("400", Like::Request, "Ok(Close)"),
    (
        "401",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "clinic-01", state: Close, owner: Some(+55…78), disconnection_code: Some(401) }))"#,
    ),
    (
        "402",
        Like::Request,
        r#"Err(NotConnected("400 Error: Connection Closed"))"#,
    ),
    (
        "404",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "clinic-01", state: Close, owner: Some(+55…78), disconnection_code: Some(403) }))"#,
    ),
    ("405", Like::Request, "Ok(())"),
    ("406", Like::Request, "Ok(Close)"),
    ("407", Like::Request, "Ok(())"),
    ("408", Like::Request, "Err(UnknownSession)"),
    ("411", Like::Request, "Ok(())"),
    (
        "500",
        Like::Request,
        r#"Ok(Accepted { key_id: Some("3EB090BE4F168488FBB7C2"), address: Some(Phone(+55…21)) })"#,
    ),
    ("501", Like::Request, "Ok(None)"),
    ("502", Like::Request, "Ok(Close)"),
    (
        "503",
        Like::Request,
        r#"Ok(Some(SessionInfo { session: "qrl-01", state: Connecting, owner: None, disconnection_code: None }))"#,
    ),
    ("600", Like::Request, "Ok(Close)"),
    (
        "601",
        Like::Request,
        r#"Err(NotConnected("500 Cannot read properties of undefined (reading 'textMessage')"))"#,
    ),
    ("603", Like::Request, "Err(Unavailable)"),
    ("604", Like::Request, "Ok(())"),
    (
        "610",
        Like::Answer,
        r#"Ok([NumberCheck { asked: "5531987654321", address: Some(Phone(+55…21)) }, NumberCheck { asked: "5511987654321", address: Some(Phone(+55…21)) }, NumberCheck { asked: "551187654321", address: Some(Phone(+55…21)) }, NumberCheck { asked: "5215512345678", address: Some(Phone(+52…78)) }, NumberCheck { asked: "5491112345678", address: Some(Phone(+54…78)) }, NumberCheck { asked: "351912345678", address: Some(Phone(+35…78)) }, NumberCheck { asked: "11987654321", address: Some(Phone(+11…21)) }])"#,
    ),
    (
        "612",
        Like::Answer,
        r#"Ok(Accepted { key_id: Some("3EB0E04D6782B18A10301B"), address: Some(Other) })"#,
    ),
    (
        "613",
        Like::Answer,
        r#"Err(Refused("400 [object Object]"))"#,
    ),
    ("619", Like::Request, "Ok(())"),
    ("621", Like::Request, "Ok(Open)"),
    ("622", Like::Request, "Ok(())"),
    ("624", Like::Request, "Ok(None)"),
];
