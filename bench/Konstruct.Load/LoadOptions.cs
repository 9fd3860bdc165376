using Konstruct.Load.Client;
using Konstruct.Load.Measure;

namespace Konstruct.Load;

/// <summary>Options of <c>run</c>.</summary>
internal sealed record LoadOptions(
    Uri Url,
    Dialect Dialect,
    int Conversations,
    int Messages,
    string Text,
    TimeSpan Ramp,
    TimeSpan Think,
    TimeSpan Patience,
    TimeSpan Storm,
    int Slow,
    TimeSpan SlowDelay,
    string JwtKey,
    string? Json,
    IReadOnlyList<WatchedProcess> Watched,
    IReadOnlyList<int> Cores
)
{
    public const string Help = """
                  --url U            of the server: ws://127.0.0.1:5180
                  --dialect D        v1, v2 (default), relay (the floor of bench/peers) or signalr
                  --conversations N  each with a socket, a user and a tenant of its own; default 100
                  --messages N       of each conversation, one after another; default 1
                  --text T           of a message; the stub's scenarios. Default "/stamp tokens=100 rate=50 delay=0"
                  --ramp S           seconds over which the first messages are spread; default 1
                  --think S          seconds from an answer's end to the next message; default 0
                  --patience S       seconds without a frame until an answer counts as hung; default 30
                  --storm S          v2: every S seconds all sockets break, connect again and resume; 0 (default): never
                  --slow N           so many of the conversations read slowly; default 0
                  --slow-delay MS    milliseconds between two of their frames; default 100
                  --jwt-key K        signs a token for each user with this key; default: the auth frame names the user
                  --watch NAME=PID   a process whose CPU time is reported; may be repeated
                  --core N           a core whose speed is reported, by a short loop every 50 ms; may be repeated
                  --json FILE        also writes the result there
        """;

    public static LoadOptions Parse(string[] args)
    {
        var given = new Arguments(args);
        var options = new LoadOptions(
            UrlOf(given),
            DialectOf(given.Text("dialect", "v2")),
            given.Count("conversations", 100, least: 1),
            given.Count("messages", 1, least: 1),
            given.Text("text", "/stamp tokens=100 rate=50 delay=0"),
            given.Seconds("ramp", 1),
            given.Seconds("think", 0),
            given.Seconds("patience", 30),
            given.Seconds("storm", 0),
            given.Count("slow", 0),
            TimeSpan.FromMilliseconds(given.Number("slow-delay", 100)),
            given.Text("jwt-key", ""),
            given.Text("json", "") is { Length: > 0 } json ? json : null,
            [.. given.All("watch").Select(WatchedProcess.Parse)],
            [.. given.All("core").Select(CoreWatch.Parse)]
        );
        given.EnsureAllKnown();
        return options.Storm > TimeSpan.Zero && options.Dialect != Dialect.V2
            ? throw new BadArgumentException("--storm wants --dialect v2: nothing else can resume.")
            : options;
    }

    internal static Uri UrlOf(Arguments given) =>
        Uri.TryCreate(given.Text("url", "ws://127.0.0.1:5180"), UriKind.Absolute, out var url) && url.Scheme is "ws" or "wss"
            ? url
            : throw new BadArgumentException("--url is an address like ws://127.0.0.1:5180.");

    internal static Dialect DialectOf(string text) =>
        text switch
        {
            "v1" => Dialect.V1,
            "v2" => Dialect.V2,
            "relay" => Dialect.Relay,
            "signalr" => Dialect.SignalR,
            _ => throw new BadArgumentException($"--dialect is '{text}': it is v1, v2, relay or signalr."),
        };
}
