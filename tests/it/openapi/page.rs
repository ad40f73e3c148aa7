//! `/docs`.

use blackbox::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_nobody_else_for_anything() {
    let stack = Stack::start().await;
    let anonymous = stack.anonymous();
    let moved = anonymous.get("/docs").await;
    assert_eq!((moved.status, moved.header("location")), (308, "/docs/"));
    let page = anonymous.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{:?}",
        page.headers
    );
    let mut assets = 0;
    for (attribute, quoted) in [("src=\"", '"'), ("href=\"", '"')] {
        for rest in page.text.split(attribute).skip(1) {
            let asset = rest.split(quoted).next().expect("a value");
            assert!(!asset.contains("//"), "{asset} is not ours");
            let path = format!("/docs/{}", asset.trim_start_matches("./"));
            let reply = anonymous.get(&path).await;
            assert_eq!(reply.status, 200, "{path}");
            let elsewhere =
                reply.text.contains("@import url(\"http") || reply.text.contains("url(http");
            assert!(!elsewhere, "{path} loads from elsewhere");
            assets += 1;
        }
    }
    assert!(assets >= 3, "{}", page.text);
    let begin = anonymous.get("/docs/swagger-initializer.js").await;
    assert!(begin.text.contains("/openapi.json"), "{}", begin.text);
    assert!(!begin.text.contains("https://"), "{}", begin.text);
    assert!(
        begin.text.contains("\"validatorUrl\": \"none\""),
        "{}",
        begin.text
    );
    assert_eq!(
        anonymous.get("/docs/nothing.js").await.outcome(),
        (404, "NOT_FOUND")
    );
}
