using System.Text;

namespace Konstruct.Load.Client;

/// <summary>The protocol of a server.</summary>
internal enum Dialect
{
    /// <summary>The original protocol.</summary>
    V1,

    /// <summary>Subprotocol <c>konstruct.chat.v2</c>.</summary>
    V2,

    /// <summary>The floor of bench/peers: v1 frames to the server, payloads of the channel back.</summary>
    Relay,

    /// <summary>The SignalR hub of bench/peers, in SignalR's JSON protocol without negotiation.</summary>
    SignalR,
}

/// <summary>Frames of each dialect.</summary>
internal static class Dialects
{
    /// <summary>Ends each record of SignalR's JSON protocol.</summary>
    public const byte RecordSeparator = 0x1e;

    public static Uri AddressOf(this Dialect dialect, Uri server, Guid conversation) =>
        new(server, dialect == Dialect.SignalR ? "/chat/hub" : $"/chat/ws/{conversation:D}");

    /// <summary>Whether chunks carry turn and seq.</summary>
    public static bool HasSeq(this Dialect dialect) => dialect != Dialect.V1;

    /// <summary>Whether the server answers authentication.</summary>
    public static bool AnswersAuth(this Dialect dialect) => dialect is Dialect.V2 or Dialect.SignalR or Dialect.Relay;

    public static IEnumerable<byte[]> Auth(this Dialect dialect, Person person, string jwtKey) =>
        dialect switch
        {
            Dialect.SignalR =>
            [
                Record("""{"protocol":"json","version":1}"""),
                Record($$"""{"type":1,"target":"Join","arguments":["{{person.Tenant:D}}","{{person.User:D}}","{{person.Conversation:D}}"]}"""),
            ],
            _ when jwtKey.Length > 0 => [Utf8($$"""{"type":"auth","token":"{{Token.For(person, jwtKey)}}"}""")],
            _ => [Utf8($$"""{"type":"auth","userId":"{{person.User:D}}","role":"member","tenantId":"{{person.Tenant:D}}"}""")],
        };

    public static byte[] Message(this Dialect dialect, Person person, string text, int index) =>
        dialect switch
        {
            Dialect.SignalR => Record($$"""{"type":1,"target":"Say","arguments":[{{Quoted(text)}}]}"""),
            Dialect.V2 => Utf8($$"""{"type":"message","text":{{Quoted(text)}},"agentId":"{{person.Agent:D}}","messageId":"m-{{index}}"}"""),
            _ => Utf8($$"""{"type":"message","text":{{Quoted(text)}},"agentId":"{{person.Agent:D}}"}"""),
        };

    public static byte[] Resume(Guid turnId, int attempt, int after) =>
        Utf8($$"""{"type":"resume","turnId":"{{turnId:D}}","attempt":{{attempt}},"after":{{after}}}""");

    /// <summary>SignalR answers its handshake with a separate record.</summary>
    public static bool IsHandshakeAnswer(ReadOnlySpan<byte> record) => record.SequenceEqual("{}"u8);

    /// <summary>The argument of a hub's call; the record itself if it is not a call.</summary>
    public static ReadOnlySpan<byte> ArgumentOf(ReadOnlySpan<byte> record)
    {
        var start = record.IndexOf("\"arguments\":["u8);
        return start < 0 ? record : record[(start + 13)..^2];
    }

    private static byte[] Record(string json) => [.. Encoding.UTF8.GetBytes(json), RecordSeparator];

    private static byte[] Utf8(string json) => Encoding.UTF8.GetBytes(json);

    private static string Quoted(string text) => $"\"{System.Text.Json.JsonEncodedText.Encode(text)}\"";
}
