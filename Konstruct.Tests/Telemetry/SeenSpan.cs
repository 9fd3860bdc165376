using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Konstruct.Tests.Telemetry.Otlp;

namespace Konstruct.Tests.Telemetry;

/// <summary>A span as it was exported. Ids are lower-case hexadecimal, empty where there is none; values of attributes are text.</summary>
internal sealed record SeenSpan(
    string Service,
    string Scope,
    string Name,
    SpanKind Kind,
    string TraceId,
    string SpanId,
    string ParentId,
    ulong Start,
    ulong End,
    IReadOnlyDictionary<string, string> Attributes,
    IReadOnlyList<string> Events,
    IReadOnlyList<string> LinkedTraces,
    bool IsError
)
{
    /// <summary>The value of an attribute; null when the span has none of that name.</summary>
    public string? this[string attribute] => Attributes.GetValueOrDefault(attribute);

    public static SeenSpan Of(string service, string scope, Span span) =>
        new(
            service,
            scope,
            span.Name,
            span.Kind,
            Hex(span.TraceId),
            Hex(span.SpanId),
            Hex(span.ParentSpanId),
            span.StartTimeUnixNano,
            span.EndTimeUnixNano,
            Texts(span.Attributes),
            [.. span.Events.Select(e => e.Name)],
            [.. span.Links.Select(link => Hex(link.TraceId))],
            span.Status?.Code == SpanOutcome.Error
        );

    public static string Hex(ByteString id) => Convert.ToHexStringLower(id.Span);

    /// <summary>Names and values. A name that came twice, as from a scope inside another, has both values.</summary>
    public static IReadOnlyDictionary<string, string> Texts(RepeatedField<KeyValue> attributes) =>
        attributes.GroupBy(a => a.Key).ToDictionary(same => same.Key, same => string.Join(" and ", same.Select(a => Text(a.Value))));

    private static string Text(AnyValue value) =>
        value.ValueCase switch
        {
            AnyValue.ValueOneofCase.StringValue => value.StringValue,
            AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
            AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(CultureInfo.InvariantCulture),
            AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
            _ => value.ToString(),
        };
}

/// <summary>A log record as it was exported.</summary>
internal sealed record SeenLog(string Service, string Severity, string Body, string TraceId, IReadOnlyDictionary<string, string> Attributes)
{
    public static SeenLog Of(string service, LogRecord record) =>
        new(service, record.SeverityText, record.Body?.StringValue ?? "", SeenSpan.Hex(record.TraceId), SeenSpan.Texts(record.Attributes));
}
