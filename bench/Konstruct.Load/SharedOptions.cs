using System.CommandLine;
using Konstruct.Load.Client;

namespace Konstruct.Load;

/// <summary>Options of both <c>run</c> and <c>idle</c>.</summary>
internal static class SharedOptions
{
    public static readonly Option<Uri> Url = OptionOf.Value("--url", "ws://127.0.0.1:5180", "Address of the server.", ParseUrl);

    public static readonly Option<Dialect> Dialect = OptionOf.Value(
        "--dialect",
        "v2",
        "v1, v2, relay (the floor of bench/peers) or signalr.",
        text =>
            text switch
            {
                "v1" => Client.Dialect.V1,
                "v2" => Client.Dialect.V2,
                "relay" => Client.Dialect.Relay,
                "signalr" => Client.Dialect.SignalR,
                _ => throw new BadArgumentException($"--dialect is '{text}': it is v1, v2, relay or signalr."),
            }
    );

    public static readonly Option<string> JwtKey = OptionOf.Text(
        "--jwt-key",
        "",
        "Signs a token for each user with this key. Without it the auth frame names the user."
    );

    public static readonly Option<string?> Json = new("--json") { Description = "A file that also gets the result." };

    /// <summary>Parses the address of a server from an option.</summary>
    public static Uri ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "ws" or "wss"
            ? url
            : throw new BadArgumentException($"'{text}' is not an address like ws://127.0.0.1:5180.");
}
