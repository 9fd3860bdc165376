using System.Text;
using CsCheck;
using Konstruct.Contracts.Wire;
using Xunit;

namespace Konstruct.Tests.Contracts;

/// <summary>What Postgres takes as text is the same whether an answer is read as bytes or as a string.</summary>
public sealed class StorableTextTests
{
    private static readonly string[] Pieces = ["a", "é", "🙂", "\0", "\n", "\uFFFD"];

    private static readonly Gen<byte[]> Texts = Gen.OneOf(
        Gen.Byte.Array[0, 40],
        Gen.OneOf(Pieces).List[0, 20].Select(pieces => Encoding.UTF8.GetBytes(string.Concat(pieces))),
        Gen.Select(Gen.OneOf(Pieces).List[1, 20], Gen.Byte, Gen.Int[0, 80])
            .Select(
                (pieces, odd, at) =>
                {
                    var bytes = Encoding.UTF8.GetBytes(string.Concat(pieces));
                    bytes[at % bytes.Length] = odd;
                    return bytes;
                }
            )
    );

    [Fact]
    public void Bytes_become_what_their_text_becomes() =>
        Texts.Sample(
            bytes => Encoding.UTF8.GetString(((ReadOnlyMemory<byte>)bytes).ToStorable().Span) == Encoding.UTF8.GetString(bytes).ToStorable(),
            iter: 20_000
        );

    [Fact]
    public void What_can_be_stored_is_not_copied()
    {
        ReadOnlyMemory<byte> text = "an answer, 🙂"u8.ToArray();
        Assert.Equal(text, text.ToStorable()); // The same memory.
        Assert.Equal(text, JsonText.UnescapeUtf8(text));
    }

    [Theory]
    [InlineData("""a\nb""", "a\nb")]
    [InlineData("""\ud83d\ude42""", "🙂")]
    [InlineData("""a\ud800b""", "a\uFFFDb")]
    [InlineData("""\u0000""", "\0")]
    public void Escapes_are_undone(string escaped, string text) =>
        Assert.Equal(text, Encoding.UTF8.GetString(JsonText.UnescapeUtf8(Encoding.UTF8.GetBytes(escaped)).Span));
}
