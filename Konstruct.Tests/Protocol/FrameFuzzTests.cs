using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CsCheck;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Protocol;
using Xunit;

namespace Konstruct.Tests.Protocol;

/// <summary>Bytes that nobody would think of, against the two parsers that read what others send. The oracle is System.Text.Json.</summary>
public sealed class FrameFuzzTests
{
    private static readonly string[] Pieces =
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "null",
        "true",
        "7",
        "-1",
        "1e999",
        " ",
        "\n",
        "\u0000",
        "\uFEFF",
        "ä",
        "🙂",
        "\"type\"",
        "\"message\"",
        "\"auth\"",
        "\"cancel\"",
        "\"resume\"",
        "\"text\"",
        "\"userId\"",
        "\"token\"",
        "\"after\"",
        "\"\\ud800\"",
        "\"\\u00e4\"",
        "\"\\u0000\"",
        "\"chunk\"",
        "\"done\"",
        "\"turn_id\"",
        "\"seq\"",
        "\"reason\"",
        "\"\\ud800\":7",
        "\"te\\udc00xt\":7",
        "\"te\\u0078t\":",
        "\"type\":\"message\"",
        "\"text\":\"x\"",
        "\"type\":\"chunk\"",
    ];

    private static readonly Gen<byte[]> Garbage = Gen.OneOf(
        Gen.Byte.Array[0, 200],
        Gen.OneOf(Pieces).List[0, 40].Select(pieces => Encoding.UTF8.GetBytes(string.Concat(pieces))),
        Gen.Select(Gen.OneOf(Pieces).List[0, 8], Gen.Byte, Gen.Int[0, 400])
            .Select(
                (pieces, odd, at) =>
                {
                    var bytes = Encoding.UTF8.GetBytes(
                        $$"""{"type":"message","text":"hällo 🙂 \n","agentId":"a","messageId":"m","a":{{string.Concat(pieces)}}}"""
                    );
                    bytes[at % bytes.Length] = odd;
                    return bytes;
                }
            )
    );

    [Fact]
    public void A_client_s_frame_is_read_or_refused_and_never_read_wrongly() =>
        Garbage.Sample(
            bytes =>
            {
                var frame = ClientFrame.Parse(bytes);
                using var json = TryParse(bytes);
                if (json?.RootElement.ValueKind != JsonValueKind.Object)
                {
                    return frame.Kind == ClientFrameKind.Bad;
                }

                return frame.Kind != ClientFrameKind.Message || !Utf8.IsValid(bytes) || frame.Text == TextOf(json.RootElement.EnumerateObject());
            },
            iter: 50_000,
            print: Encoding.UTF8.GetString
        );

    [Fact]
    public void A_payload_of_the_channel_is_read_or_skipped_and_never_read_wrongly() =>
        Garbage.Sample(
            bytes =>
            {
                var payload = StreamEvent.Parse(bytes);
                using var json = TryParse(bytes);
                if (json?.RootElement.ValueKind != JsonValueKind.Object)
                {
                    return payload.Kind == StreamEventKind.Unknown;
                }

                return payload.Kind != StreamEventKind.Chunk
                    || !Utf8.IsValid(bytes)
                    || payload.EscapedText is null
                    || payload.Text == TextOf(json.RootElement.EnumerateObject().Where(IsString));
            },
            iter: 50_000,
            print: Encoding.UTF8.GetString
        );

    private static JsonDocument? TryParse(byte[] bytes)
    {
        try
        {
            return JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A text that is no string does not count in a payload; in a client's frame it is an error, or null.</summary>
    private static bool IsString(JsonProperty member) => member.Value.ValueKind == JsonValueKind.String;

    /// <summary>The last text counts. Lone surrogates as U+FFFD.</summary>
    private static string? TextOf(IEnumerable<JsonProperty> members)
    {
        var value = members
            .Where(member => JsonText.Unescape(JsonMarshal.GetRawUtf8PropertyName(member)) == "text")
            .Select(member => member.Value)
            .LastOrDefault();
        return value.ValueKind == JsonValueKind.String ? JsonText.Unescape(Encoding.UTF8.GetBytes(value.GetRawText()[1..^1])).ToWellFormed() : null;
    }
}
