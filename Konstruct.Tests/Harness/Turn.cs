using System.Text.Json;
using Xunit;

namespace Konstruct.Tests.Harness;

/// <summary>What one socket was sent for one message, in version 1.</summary>
internal sealed record Turn(IReadOnlyList<string> Frames)
{
    /// <summary>The texts of the chunks, in order.</summary>
    public IReadOnlyList<string> Chunks => [.. Frames.Where(f => Type(f) == "chunk").Select(Text)];

    /// <summary>The answer as <c>done</c> repeats it.</summary>
    public string Answer => Type(Frames[^1]) == "done" ? Text(Frames[^1]) : throw new InvalidOperationException($"The turn ended with {Frames[^1]}");

    public static bool Ends(string frame) => Type(frame) is "done" or "error";

    /// <summary>
    /// Asserts what holds for every turn that ended well: <c>typing</c>, chunks that are not empty, then a <c>done</c> that repeats them,
    /// each byte as the original prints it.
    /// </summary>
    public Turn AssertWhole(Guid conversation)
    {
        string[] expected = [Harness.Frames.Typing, .. Chunks.Select(Harness.Frames.Chunk), Harness.Frames.Done(string.Concat(Chunks), conversation)];
        Assert.Equal(expected, Frames);
        Assert.DoesNotContain("", Chunks);
        return this;
    }

    private static string Type(string frame) => Property(frame, "type");

    private static string Text(string frame) => Property(frame, "text");

    private static string Property(string frame, string name)
    {
        using var json = JsonDocument.Parse(frame);
        return json.RootElement.GetProperty(name).GetString()!;
    }
}
