using System.Text.Json;

namespace Konstruct.Tests.Harness;

/// <summary>A frame of version 2, as a client would read it; members that the frame lacks are null.</summary>
internal sealed record FrameV2(string Bytes, JsonElement Json)
{
    public string Type => String("type")!;

    public string? Text => String("text");

    public Guid? TurnId => String("turn_id") is { } id ? Guid.ParseExact(id, "D") : null;

    public string? MessageId => String("message_id");

    public int? Attempt => Int("attempt");

    public int? Seq => Int("seq");

    public string? Reason => String("reason");

    public string? Code => String("code");

    /// <summary>The names of its members, in order.</summary>
    public IEnumerable<string> Members => Json.EnumerateObject().Select(member => member.Name);

    /// <summary>The turns that a <c>ready</c> lists.</summary>
    public IReadOnlyList<(Guid TurnId, int Attempt, int Seq)> Active =>
        [
            .. Json.GetProperty("active")
                .EnumerateArray()
                .Select(turn => (turn.GetProperty("turn_id").GetGuid(), turn.GetProperty("attempt").GetInt32(), turn.GetProperty("seq").GetInt32())),
        ];

    public static FrameV2 Parse(string bytes)
    {
        using var json = JsonDocument.Parse(bytes);
        return new(bytes, json.RootElement.Clone());
    }

    private string? String(string name) => Json.TryGetProperty(name, out var value) ? value.GetString() : null;

    private int? Int(string name) => Json.TryGetProperty(name, out var value) ? value.GetInt32() : null;
}
