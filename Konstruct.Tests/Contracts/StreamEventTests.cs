using System.Text;
using CsCheck;
using Konstruct.Contracts.Redis;
using Xunit;

namespace Konstruct.Tests.Contracts;

/// <summary>A chunk in the usual form is read without a JSON reader. Whatever bytes come, both ways must say the same.</summary>
public sealed class StreamEventTests
{
    private static readonly Guid Turn = Guid.CreateVersion7();

    [Fact]
    public void A_chunk_says_what_was_written_into_it() =>
        Gen.Select(Gen.String, Gen.Int[1, 100], Gen.Int[1, 1_000_000])
            .Sample(
                (text, attempt, seq) =>
                {
                    var read = StreamEvent.Parse(StreamEvent.Chunk(text, Turn, attempt, seq));

                    Assert.Equal((StreamEventKind.Chunk, Turn, attempt, seq), (read.Kind, read.TurnId, read.Attempt, read.Seq));
                    Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), read.Text); // A lone surrogate becomes U+FFFD.
                }
            );

    [Fact]
    public void The_short_way_and_the_JSON_reader_agree_on_every_damaged_payload() =>
        Gen.Select(Gen.String, Gen.Int[0, 200], Gen.Byte, Gen.Int[0, 3])
            .Sample(
                (text, at, value, kind) =>
                {
                    var payload = Damaged(StreamEvent.Chunk(text, Turn, attempt: 1, seq: 12), at, value, kind);
                    var (shortWay, reader) = (StreamEvent.Parse(payload), StreamEvent.Parse((byte[])[.. payload, (byte)' '])); // The blank is JSON, and not the usual form.

                    Assert.Equal(Facts(reader), Facts(shortWay));
                    var repaired = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(payload)); // The same bytes where they are UTF-8.
                    Assert.True(shortWay.Kind == StreamEventKind.Unknown || shortWay.Payload.Span.SequenceEqual(repaired));
                },
                iter: 20_000
            );

    [Theory]
    [InlineData("""{"type":"chunk","text":"a","turn_id":"T","attempt":01,"seq":1}""")]
    [InlineData("""{"type":"chunk","text":"a","turn_id":"T","attempt":1,"seq":-1}""")]
    [InlineData("""{"type":"chunk","text":"a","turn_id":"T","attempt":1,"seq":1.5}""")]
    [InlineData("""{"type":"chunk","text":"a","turn_id":"T","attempt":1,"seq":99999999999}""")]
    [InlineData("""{"type":"chunk","text":"a","turn_id":"T","attempt":1,"seq":1}{""")]
    [InlineData("""{"type":"chunk","text":"a","turn_id":"T","attempt":1,"seq":1,"seq":2}""")]
    [InlineData("""{"type":"chunk","text":"","turn_id":"T","attempt":1,"seq":1}""")]
    [InlineData("""{"type":"chunk","text":"a\nb","turn_id":"T","attempt":1,"seq":1}""")]
    public void The_short_way_and_the_JSON_reader_agree(string json)
    {
        var payload = Encoding.UTF8.GetBytes(json.Replace("\"T\"", $"\"{Turn:D}\"", StringComparison.Ordinal));

        Assert.Equal(Facts(StreamEvent.Parse((byte[])[.. payload, (byte)' '])), Facts(StreamEvent.Parse(payload)));
    }

    /// <summary>Half a surrogate pair is an error of encoding, not of JSON's grammar. What it stands beside is a token all the same.</summary>
    [Theory]
    [InlineData("""{"\ud800":1,"type":"chunk","text":"a"}""")]
    [InlineData("""{"t\udc00pe":"done","type":"chunk","te\ud800":"b","text":"a"}""")]
    [InlineData("""{"type":"chunk","t\u0065xt":"a","reason":"\ud800","turn_id":"\udc00"}""")]
    public void Half_a_surrogate_pair_elsewhere_costs_no_token(string json)
    {
        var read = StreamEvent.Parse(Encoding.UTF8.GetBytes(json));

        Assert.Equal((StreamEventKind.Chunk, "a", Guid.Empty), (read.Kind, read.Text, read.TurnId));
    }

    private static byte[] Damaged(byte[] payload, int at, byte value, int kind)
    {
        at %= payload.Length;
        return kind switch
        {
            0 => payload,
            1 => [.. payload[..at], value, .. payload[(at + 1)..]],
            2 => [.. payload[..at], .. payload[(at + 1)..]],
            _ => [.. payload[..at], value, .. payload[at..]],
        };
    }

    private static (StreamEventKind, string, Guid, int, int) Facts(StreamEvent read) =>
        (read.Kind, Convert.ToHexString((read.EscapedText ?? default).Span), read.TurnId, read.Attempt, read.Seq);
}
