using System.Text;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Protocol;

/// <summary>Ids of somebody else, for whoever tries them.</summary>
/// <param name="Conversation">A conversation of another tenant.</param>
/// <param name="TurnId">A turn in it.</param>
internal sealed record Foreign(Guid Conversation, Guid TurnId);

/// <summary>Something a client should not send, and what the gateway makes of it.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Expected">
/// What comes: the codes of error frames, other frames' types, "close" with its code, "cut" for an end without one; "nothing" when the socket stays silent.
/// All but closed sockets are asked afterwards whether they still serve.
/// </param>
/// <param name="Send">Sends it.</param>
/// <param name="IsV2">On a socket of version 2.</param>
/// <param name="IsAuthenticated">After the auth frame, or instead of it.</param>
internal sealed record BadInput(string Name, string Expected, Func<RawSocket, Foreign, Task> Send, bool IsV2 = true, bool IsAuthenticated = true)
{
    private const string NoOne = "00000000-0000-4000-8000-000000000000";

    public static IEnumerable<BadInput> All => [.. Objects, .. Types, .. Ids, .. Numbers, .. Sizes, .. Framing, .. BeforeAuth, .. VersionOne];

    private static IEnumerable<BadInput> Objects =>
        [
            Text("not JSON", "bad_frame", "hello"),
            Text("an empty frame", "bad_frame", ""),
            Text("blanks", "bad_frame", "  \t "),
            Text("an array", "bad_frame", """[{"type":"message"}]"""),
            Text("a string", "bad_frame", "\"message\""),
            Text("a number", "bad_frame", "7"),
            Text("null", "bad_frame", "null"),
            Text("true", "bad_frame", "true"),
            Text("half an object", "bad_frame", """{"type":"message","text":"x" """),
            Text("two objects", "bad_frame", """{"type":"x"}{"type":"x"}"""),
            Text("a comma too many", "bad_frame", """{"type":"x",}"""),
            Text("a comment", "bad_frame", """{"type":"x"/* y */}"""),
            Text("single quotes", "bad_frame", "{'type':'message'}"),
            Text("NaN", "bad_frame", """{"type":"resume","after":NaN}"""),
            Text("a byte order mark", "bad_frame", "\uFEFF{\"type\":\"x\"}"),
            Text("a line break in a string", "bad_frame", "{\"type\":\"message\",\"text\":\"a\nb\"}"),
            Text("an escape that is none", "bad_frame", """{"type":"message","text":"\x41"}"""),
            Text("17 levels deep", "bad_frame", Deep(17)),
            Text("10,000 levels deep", "bad_frame", Deep(10_000)),
            Text("a lone surrogate in a name", "empty_text", """{"\ud800":"x","type":"message","ty\udc00pe":"x"}"""),
            Text("no type", "nothing", """{"text":"x"}"""),
            Text("an unknown type", "nothing", """{"type":"admin"}"""),
            Text("a type in capitals", "nothing", """{"type":"MESSAGE","text":"x"}"""),
            Text("a server's frame", "nothing", """{"type":"done","text":"x"}"""),
            Text("auth again, as another tenant", "nothing", $$"""{"type":"auth","userId":"{{NoOne}}","tenantId":"{{NoOne}}"}"""),
            Text("duplicate keys: the last one counts", "empty_text", """{"type":"cancel","type":"message","text":"x","text":""}"""),
            Text("5,000 unknown members", "nothing", $$"""{"type":"x"{{string.Concat(Enumerable.Range(0, 5_000).Select(i => $",\"{i}\":0"))}}}"""),
        ];

    private static IEnumerable<BadInput> Types =>
        [
            Text("type is a number", "bad_frame", """{"type":7}"""),
            Text("type is null", "nothing", """{"type":null}"""),
            Text("text is missing", "empty_text", """{"type":"message"}"""),
            Text("text is null", "empty_text", """{"type":"message","text":null}"""),
            Text("text is empty", "empty_text", """{"type":"message","text":""}"""),
            Text("text is a number", "bad_frame", """{"type":"message","text":7}"""),
            Text("text is an object", "bad_frame", """{"type":"message","text":{"a":"b"}}"""),
            Text("text is an array", "bad_frame", """{"type":"message","text":["a"]}"""),
            Text("agentId is a number", "bad_frame", """{"type":"message","text":"x","agentId":7}"""),
            Text("displayName is an array", "bad_frame", """{"type":"message","text":"x","displayName":[]}"""),
            Text("traceparent is an object", "bad_frame", """{"type":"message","text":"x","traceparent":{}}"""),
            Text("messageId is a number", "bad_frame", """{"type":"message","text":"x","messageId":7}"""),
            Text("messageId is empty", "invalid_message_id", """{"type":"message","text":"x","messageId":""}"""),
            Text("messageId of 129 characters", "invalid_message_id", $$"""{"type":"message","text":"x","messageId":"{{new string('m', 129)}}"}"""),
            Text("a lone surrogate in messageId", "nothing", """{"type":"cancel","messageId":"\ud800"}"""),
        ];

    private static IEnumerable<BadInput> Ids =>
        [
            Text("conversationId is a number", "invalid_conversation_id", """{"type":"message","text":"x","conversationId":7}"""),
            Text("conversationId is no UUID", "invalid_conversation_id", """{"type":"message","text":"x","conversationId":"../../etc/passwd"}"""),
            Text("conversationId with SQL in it", "invalid_conversation_id", """{"type":"message","text":"x","conversationId":"' OR 1=1 --"}"""),
            Text("conversationId is unknown", "conversation_mismatch", $$"""{"type":"message","text":"x","conversationId":"{{NoOne}}"}"""),
            new(
                "conversationId is another tenant's",
                "conversation_mismatch",
                (socket, foreign) => socket.TextAsync($$"""{"type":"message","text":"x","conversationId":"{{foreign.Conversation}}"}""")
            ),
            Text("resume without turnId", "turn_not_found", """{"type":"resume"}"""),
            Text("resume: turnId is a number", "turn_not_found", """{"type":"resume","turnId":7}"""),
            Text("resume: turnId is no UUID", "turn_not_found", """{"type":"resume","turnId":"turn","after":0}"""),
            Text("resume: turnId is forged", "turn_not_found", $$"""{"type":"resume","turnId":"{{NoOne}}","attempt":1,"after":0}"""),
            new(
                "resume: turnId is another tenant's",
                "turn_not_found",
                (socket, foreign) => socket.TextAsync($$"""{"type":"resume","turnId":"{{foreign.TurnId}}"}""")
            ),
            Text("cancel without ids", "invalid_message_id", """{"type":"cancel"}"""),
            Text("cancel: turnId is no UUID", "turn_not_found", """{"type":"cancel","turnId":"*"}"""),
            Text("cancel: turnId is forged", "turn_not_found", $$"""{"type":"cancel","turnId":"{{NoOne}}"}"""),
            new(
                "cancel: turnId is another tenant's",
                "turn_not_found",
                (socket, foreign) => socket.TextAsync($$"""{"type":"cancel","turnId":"{{foreign.TurnId}}"}""")
            ),
            Text("cancel: messageId is a line of Redis", "nothing", """{"type":"cancel","messageId":"x\r\nFLUSHALL\r\n"}"""),
        ];

    private static IEnumerable<BadInput> Numbers =>
        [
            Text("after is negative", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","after":-1}"""),
            Text("after is 2^31", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","after":2147483648}"""),
            Text("after is 1e400", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","after":1e400}"""),
            Text("after is a fraction", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","after":1.5}"""),
            Text("after is a string", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","after":"1"}"""),
            Text("attempt is negative", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","attempt":-1}"""),
            Text("attempt is 2^31 - 1", "turn_not_found", $$"""{"type":"resume","turnId":"{{NoOne}}","attempt":2147483647,"after":2147483647}"""),
            Text("a number of 5,000 digits", "bad_frame", $$"""{"type":"resume","turnId":"{{NoOne}}","after":{{new string('9', 5_000)}}}"""),
        ];

    private static IEnumerable<BadInput> Sizes =>
        [
            Text("a frame of 64 KB and one byte", "close 1009", new string(' ', (64 * 1024) + 1)),
            new(
                "64 KB and one byte in three fragments",
                "close 1009",
                async (socket, _) =>
                {
                    await socket.FrameAsync(WireFrame.Text, new byte[32 * 1024], isLast: false);
                    await socket.FrameAsync(0, new byte[32 * 1024], isLast: false);
                    await socket.FrameAsync(0, new byte[1]);
                }
            ),
            new(
                "fragments without an end",
                "close 1009",
                async (socket, _) =>
                {
                    await socket.FrameAsync(WireFrame.Text, new byte[1], isLast: false);
                    for (var i = 0; i < 70; i++)
                    {
                        await socket.FrameAsync(0, Encoding.ASCII.GetBytes(new string('x', 1024)), isLast: false);
                    }
                }
            ),
            new(
                "a head that claims 2^40 bytes",
                "close 1009",
                (socket, _) => socket.FrameAsync(WireFrame.Text, Encoding.ASCII.GetBytes(new string('x', 70_000)), length: 1UL << 40)
            ),
            new(
                "10,000 fragments of a byte",
                "bad_frame",
                async (socket, _) =>
                {
                    await socket.FrameAsync(WireFrame.Text, "x"u8.ToArray(), isLast: false);
                    for (var i = 0; i < 9_998; i++)
                    {
                        await socket.FrameAsync(0, "x"u8.ToArray(), isLast: false);
                    }
                    await socket.FrameAsync(0, "x"u8.ToArray());
                }
            ),
            new(
                "1,000 empty fragments",
                "bad_frame",
                async (socket, _) =>
                {
                    await socket.FrameAsync(WireFrame.Text, default, isLast: false);
                    for (var i = 0; i < 1_000; i++)
                    {
                        await socket.FrameAsync(0, default, isLast: false);
                    }
                    await socket.FrameAsync(0, "x"u8.ToArray());
                }
            ),
            new(
                "10,000 tiny frames",
                "bad_frame × 10000",
                async (socket, _) =>
                {
                    for (var i = 0; i < 10_000; i++)
                    {
                        await socket.TextAsync("x");
                    }
                }
            ),
        ];

    private static IEnumerable<BadInput> Framing =>
        [
            new("binary", "bad_frame", (socket, _) => socket.FrameAsync(2, "{}"u8.ToArray())),
            new("empty binary", "bad_frame", (socket, _) => socket.FrameAsync(2, default)),
            new("invalid UTF-8", "close 1007", (socket, _) => socket.FrameAsync(WireFrame.Text, new byte[] { (byte)'"', 0xC3, 0x28, (byte)'"' })),
            new(
                "an encoded lone surrogate",
                "close 1007",
                (socket, _) => socket.FrameAsync(WireFrame.Text, new byte[] { (byte)'"', 0xED, 0xA0, 0x80, (byte)'"' })
            ),
            new("half a character at the end", "close 1007", (socket, _) => socket.FrameAsync(WireFrame.Text, new byte[] { (byte)'"', 0xE2, 0x82 })),
            new(
                "a frame without a mask",
                "close 1002",
                (socket, _) => socket.FrameAsync(WireFrame.Text, """{"type":"x"}"""u8.ToArray(), isMasked: false)
            ),
            new("reserved bits", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Text, "{}"u8.ToArray(), reserved: 2)),
            new("compression that was not agreed on", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Text, "{}"u8.ToArray(), reserved: 4)),
            new("a reserved opcode", "close 1002", (socket, _) => socket.FrameAsync(3, "{}"u8.ToArray())),
            new("a reserved control opcode", "close 1002", (socket, _) => socket.FrameAsync(11, default)),
            new("a fragment of nothing", "close 1002", (socket, _) => socket.FrameAsync(0, "{}"u8.ToArray())),
            new(
                "a frame inside of another",
                "close 1002",
                async (socket, _) =>
                {
                    await socket.FrameAsync(WireFrame.Text, "{"u8.ToArray(), isLast: false);
                    await socket.TextAsync("{}");
                }
            ),
            new("a length of 2^63", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Text, default, length: 1UL << 63)),
            new("a ping of 126 bytes", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Ping, default, length: 126)),
            new("a ping in fragments", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Ping, "x"u8.ToArray(), isLast: false)),
            new("a pong that nobody asked for", "nothing", (socket, _) => socket.FrameAsync(WireFrame.Pong, "x"u8.ToArray())),
            new(
                "a ping inside of a message",
                "pong, bad_frame",
                async (socket, _) =>
                {
                    await socket.FrameAsync(WireFrame.Text, "{"u8.ToArray(), isLast: false);
                    await socket.FrameAsync(WireFrame.Ping, default);
                    await socket.FrameAsync(0, "]"u8.ToArray());
                }
            ),
            new(
                "1,000 pings",
                "pong × 1000",
                async (socket, _) =>
                {
                    for (var i = 0; i < 1_000; i++)
                    {
                        await socket.FrameAsync(WireFrame.Ping, default);
                    }
                }
            ),
            new("a close of one byte", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Close, new byte[1])),
            new("a close with a code that is none", "close 1002", (socket, _) => socket.FrameAsync(WireFrame.Close, new byte[] { 0, 42 })),
            new("a close in order", "close 1000", (socket, _) => socket.FrameAsync(WireFrame.Close, new byte[] { 0x03, 0xE8 })),
            new("bytes that are no frame", "close 1002", (socket, _) => socket.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray())),
        ];

    private static IEnumerable<BadInput> BeforeAuth =>
        [
            First("a message first", "auth_first, close 4001", """{"type":"message","text":"x"}"""),
            First("not JSON first", "auth_first, close 4001", "hello"),
            First("10,000 levels deep first", "auth_first, close 4001", Deep(10_000)),
            First("auth without ids", "auth_incomplete, close 4001", """{"type":"auth"}"""),
            First("auth with a number for a user", "auth_invalid_id, close 4001", $$"""{"type":"auth","userId":7,"tenantId":"{{NoOne}}"}"""),
            First(
                "auth with SQL in it",
                "auth_invalid_id, close 4001",
                $$"""{"type":"auth","userId":"{{NoOne}}","tenantId":"'; DROP TABLE x; --"}"""
            ),
            First("64 KB and one byte first", "close 1009", new string(' ', (64 * 1024) + 1)),
            new("binary first", "auth_first, close 4001", (socket, _) => socket.FrameAsync(2, "{}"u8.ToArray()), IsAuthenticated: false),
            new("invalid UTF-8 first", "close 1007", (socket, _) => socket.FrameAsync(WireFrame.Text, new byte[] { 0xFF }), IsAuthenticated: false),
            new(
                "a frame without a mask first",
                "close 1002",
                (socket, _) => socket.FrameAsync(WireFrame.Text, """{"type":"x"}"""u8.ToArray(), isMasked: false),
                IsAuthenticated: false
            ),
            new("a close first", "close 1000", (socket, _) => socket.FrameAsync(WireFrame.Close, new byte[] { 0x03, 0xE8 }), IsAuthenticated: false),
        ];

    private static IEnumerable<BadInput> VersionOne =>
        [
            new("v1: not JSON", "bad_frame", (socket, _) => socket.TextAsync("hello"), IsV2: false),
            new(
                "v1: resume, which it does not have",
                "nothing",
                (socket, _) => socket.TextAsync($$"""{"type":"resume","turnId":"{{NoOne}}"}"""),
                IsV2: false
            ),
            new(
                "v1: cancel, which it does not have",
                "nothing",
                (socket, foreign) => socket.TextAsync($$"""{"type":"cancel","turnId":"{{foreign.TurnId}}"}"""),
                IsV2: false
            ),
            new(
                "v1: conversationId is another tenant's",
                "typing, conversation_not_found",
                (socket, foreign) => socket.TextAsync($$"""{"type":"message","text":"x","conversationId":"{{foreign.Conversation}}"}"""),
                IsV2: false
            ),
        ];

    private static BadInput Text(string name, string expected, string frame) => new(name, expected, (socket, _) => socket.TextAsync(frame));

    private static BadInput First(string name, string expected, string frame) =>
        new(name, expected, (socket, _) => socket.TextAsync(frame), IsAuthenticated: false);

    private static string Deep(int levels) => $$"""{"type":"x","a":{{new string('[', levels)}}{{new string(']', levels)}}}""";
}
