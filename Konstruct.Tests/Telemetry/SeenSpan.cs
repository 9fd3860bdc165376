using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Konstruct.Tests.Telemetry.Otlp;

namespace Konstruct.Tests.Telemetry;

/// <summary>A span as it was exported. Ids are lower-case hexadecimal, empty where there is none; values of attributes are text.</summary>
internal sealed record SeenSpan(
    string Service, string Scope, string Name, SpanKind Kind, string TraceId, string SpanId, string ParentId, ulong Start, ulong End,
    IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<string> Events, IReadOnlyList<string> LinkedTraces, bool IsError)
{
    public static SeenSpan Of(string service, string scope, Span span) => new(
        service, scope, span.Name, span.Kind, Hex(span.TraceId), Hex(span.SpanId), Hex(span.ParentSpanId), span.StartTimeUnixNano, span.EndTimeUnixNano,
        Texts(span.Attributes), [.. span.Events.Select(e => e.Name)], [.. span.Links.Select(link => Hex(link.TraceId))],
        span.Status?.Code == SpanOutcome.Error);

    /// <summary>The value of an attribute; null when the span has none of that name.</summary>
    public string? this[string attribute] => Attributes.GetValueOrDefault(attribute);

    public static string Hex(ByteString id) => Convert.ToHexStringLower(id.Span);

    public static IReadOnlyDictionary<string, string> Texts(RepeatedField<KeyValue> attributes) => attributes.ToDictionary(a => a.Key, a => a.Value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => a.Value.StringValue,
        AnyValue.ValueOneofCase.IntValue => a.Value.IntValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => a.Value.DoubleValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.BoolValue => a.Value.BoolValue ? "true" : "false",
        _ => a.Value.ToString(),
    });
}

/// <summary>A log record as it was exported.</summary>
internal sealed record SeenLog(string Service, string Body, string TraceId, IReadOnlyDictionary<string, string> Attributes)
{
    public static SeenLog Of(string service, LogRecord record) =>
        new(service, record.Body?.StringValue ?? "", SeenSpan.Hex(record.TraceId), SeenSpan.Texts(record.Attributes));
}
