using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Edge;

/// <summary>
/// From which web pages browsers may come: one list for sockets, which browsers let any page open, and for CORS. A page of the gateway's own address
/// always may.
/// </summary>
internal sealed class AllowedOrigins(IOptions<EdgeOptions> options)
{
    private readonly IReadOnlyList<OriginPattern> _patterns = OriginPattern.ParseList(options.Value.AllowedOrigins).Patterns;

    /// <summary>Whether a request may come. One without the header is no browser's: a policy of its own.</summary>
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

    /// <summary>Whether the list has an origin, as a browser writes it.</summary>
    public bool IsListed(string origin) => _patterns.Any(pattern => pattern.Matches(origin));

    /// <summary>The Host header names no scheme, and an ingress may have ended TLS: its default port is the one of the page's scheme.</summary>
    private static bool IsOwn(string origin, HttpRequest request) =>
        Origin.Parse(origin) is { } page && Origin.Parse($"{page.Scheme}://{request.Headers.Host}") == page;
}

/// <summary>One entry of the list.</summary>
/// <param name="Text">As it was written: an origin; with <c>:*</c> in the place of a port any port; <c>*</c> alone: any page.</param>
/// <param name="Origin">The origin; null: any page.</param>
/// <param name="IsAnyPort">Whether its port does not count.</param>
internal sealed record OriginPattern(string Text, Origin? Origin, bool IsAnyPort)
{
    private const string AnyPage = "*";
    private const string AnyPort = ":*";

    /// <summary>Reads the list. <c>Wrong</c> is the first entry that is no origin, or null.</summary>
    public static (IReadOnlyList<OriginPattern> Patterns, string? Wrong) ParseList(string list)
    {
        OriginPattern[] patterns = [.. list.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse)];
        return (patterns, patterns.FirstOrDefault(pattern => pattern.Origin is null && pattern.Text != AnyPage)?.Text);
    }

    public bool Matches(string origin) =>
        Text == AnyPage || (Origin is not null && Edge.Origin.Parse(origin) is { } page && Origin == (IsAnyPort ? page with { Port = Origin.Value.Port } : page));

    private static OriginPattern Parse(string entry)
    {
        var isAnyPort = entry.EndsWith(AnyPort, StringComparison.Ordinal);
        return new(entry, Edge.Origin.Parse(isAnyPort ? entry[..^AnyPort.Length] : entry), isAnyPort);
    }
}
