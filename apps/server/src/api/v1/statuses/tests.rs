use serde_json::{Value, json};

use crate::testing::samples::INSTANCE;
use crate::testing::{Fake, Running};

const STATUSES: &str = "/api/v1/statuses";

async fn problems(more: &Value) -> Vec<(String, String)> {
    let mut body = json!({ "instanceId": INSTANCE });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let answer = Running::over(Fake::new()).post(STATUSES, &body).await;
    assert_eq!(
        answer.refusal(),
        (400, "VALIDATION_ERROR".to_owned()),
        "{body}"
    );
    answer.problems()
}

#[actix_web::test]
async fn every_problem_of_a_body_is_told_under_its_field() {
    let text = |text: &str| json!({ "type": "text", "content": text });
    let colour = |it: Value| json!({ "type": "text", "content": "Hi", "backgroundColor": it });
    let image = |url: &str| json!({ "type": "image", "content": url });
    let cases = [
        (json!({}), "type", "required"),
        (json!({ "type": "video" }), "type", "invalid_enum"),
        (json!({ "type": "text" }), "content", "required"),
        (text(" "), "content", "too_short"),
        (text(&"é".repeat(701)), "content", "too_long"),
        (colour(json!("green")), "backgroundColor", "invalid_color"),
        (colour(json!("#12345é")), "backgroundColor", "invalid_color"),
        (
            colour(json!("#1234567")),
            "backgroundColor",
            "invalid_color",
        ),
        (colour(json!(7)), "backgroundColor", "invalid_type"),
        (image("photo.png"), "content", "invalid_url"),
        (
            image("http://169.254.169.254/x"),
            "content",
            "private_address",
        ),
    ];
    for (body, field, code) in cases {
        let told = problems(&body).await;
        assert_eq!(told, [(field.to_owned(), code.to_owned())], "{body}");
    }
    let long = json!({ "instanceId": 7, "type": "image", "caption": "a".repeat(1025) });
    let told = problems(&long).await;
    let fields: Vec<_> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["instanceId", "caption", "content"]);
}
