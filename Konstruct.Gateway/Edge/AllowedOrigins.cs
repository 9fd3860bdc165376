using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// Allowed origins of web pages: one list for sockets, which browsers let any page open, and for CORS. The gateway's own origin is always allowed.
/// </summary>
internal sealed class AllowedOrigins(IOptions<EdgeOptions> options)
{
    private readonly IReadOnlyList<OriginPattern> _patterns = OriginPattern.ParseList(options.Value.AllowedOrigins).Patterns;

    /// <summary>Whether a request is allowed. A request without an Origin header does not come from a browser and has its own setting.</summary>
    public bool Admit(HttpRequest request)
    {
        var origin = request.Headers.Origin;
        return origin.Count switch
        {
            0 => options.Value.AllowMissingOrigin,
            1 => IsListed(origin[0]!) || IsOwn(origin[0]!, request),
            _ => false,
        };
    }

    /// <summary>Whether the list contains an origin in a browser's spelling.</summary>
    public bool IsListed(string origin) => _patterns.Any(pattern => pattern.Matches(origin));

    /// <summary>The Host header has no scheme, and an ingress may have ended TLS. So the page's scheme determines the default port.</summary>
    private static bool IsOwn(string origin, HttpRequest request) =>
        Origin.Parse(origin) is { } page && Origin.Parse($"{page.Scheme}://{request.Headers.Host}") == page;
}

/// <summary>One entry of the list.</summary>
/// <param name="Text">The entry as written: an origin; an origin with <c>:*</c> for any port; or <c>*</c> for any page.</param>
/// <param name="Origin">The origin; null: any page.</param>
/// <param name="IsAnyPort">Whether the port is ignored.</param>
internal sealed record OriginPattern(string Text, Origin? Origin, bool IsAnyPort)
{
    private const string AnyPage = "*";
    private const string AnyPort = ":*";

    /// <summary>Parses the list. <c>Wrong</c> is the first entry that is not an origin, or null.</summary>
    public static (IReadOnlyList<OriginPattern> Patterns, string? Wrong) ParseList(string list)
    {
        OriginPattern[] patterns = [.. list.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse)];
        return (patterns, patterns.FirstOrDefault(pattern => pattern.Origin is null && pattern.Text != AnyPage)?.Text);
    }

    public bool Matches(string origin) =>
        Text == AnyPage
        || (Origin is not null && Edge.Origin.Parse(origin) is { } page && Origin == (IsAnyPort ? page with { Port = Origin.Value.Port } : page));

    private static OriginPattern Parse(string entry)
    {
        var isAnyPort = entry.EndsWith(AnyPort, StringComparison.Ordinal);
        return new(entry, Edge.Origin.Parse(isAnyPort ? entry[..^AnyPort.Length] : entry), isAnyPort);
    }
}
