//! Spans to a collector, with OTLP over HTTP.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Config;

/// Spans that never end: what happens inside of them would become one endless trace.
const ENDLESS: &str = "worker";

/// Sends what is left when it is dropped.
pub(super) struct Export(SdkTracerProvider);

impl Drop for Export {
    fn drop(&mut self) {
        // Logging ends here; there is nobody left to tell.
        let _ = self.0.shutdown();
    }
}

/// Sends spans if a collector is named.
pub(super) fn start<S>(config: &Config) -> Option<(Export, impl Layer<S> + use<S>)>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let endpoint = config.otlp_endpoint.as_ref()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .build()
        .ok()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("msgflash").build())
        .build();
    let tracer: SdkTracer = provider.tracer("msgflash");
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(filter_fn(|it| !(it.is_span() && it.name() == ENDLESS)));
    Some((Export(provider), spans))
}
