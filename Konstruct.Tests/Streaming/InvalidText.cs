using System.Text;
using Konstruct.Contracts.Redis;

namespace Konstruct.Tests.Streaming;

/// <summary>Text as a worker sends it that cuts an answer by bytes: half a UTF-8 sequence.</summary>
internal static class InvalidText
{
    /// <summary>What becomes of <see cref="Chunk"/>'s text.</summary>
    public const string Repaired = "half \uFFFD";

    /// <summary>A chunk of attempt 1 whose text ends with half of an "é".</summary>
    public static byte[] Chunk(Guid turnId, int seq) => Cut(StreamEvent.Chunk("half ~", turnId, 1, seq));

    /// <summary>Replaces each <c>~</c> by half a sequence.</summary>
    public static byte[] Cut(byte[] payload) => [.. payload.Select(b => b == (byte)'~' ? (byte)0xC3 : b)];

    /// <summary>Likewise.</summary>
    public static byte[] Cut(string payload) => Cut(Encoding.UTF8.GetBytes(payload));
}
