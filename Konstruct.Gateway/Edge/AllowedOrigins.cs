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

    private static bool IsOwn(string origin, HttpRequest request) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Scheme is "http" or "https"
        && request.Host.HasValue && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
}

/// <summary>One entry of the list.</summary>
/// <param name="Text">An origin (scheme, host and, unless it is the scheme's usual one, port); with <c>:*</c> any port; <c>*</c> alone: any page.</param>
internal sealed record OriginPattern(string Text)
{
    private const string AnyPort = ":*";

    /// <summary>Reads the list. <c>Wrong</c> is the first entry that is no origin, or null.</summary>
    public static (IReadOnlyList<OriginPattern> Patterns, string? Wrong) ParseList(string list)
    {
        var entries = list.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return ([.. entries.Select(entry => new OriginPattern(entry))], entries.FirstOrDefault(entry => !IsPattern(entry)));
    }

    public bool Matches(string origin) => Text == "*" || (Text.EndsWith(AnyPort, StringComparison.Ordinal)
        ? WithoutPort(origin) is { } bare && bare.Equals(Text[..^AnyPort.Length], StringComparison.OrdinalIgnoreCase)
        : origin.Equals(Text, StringComparison.OrdinalIgnoreCase));

    private static bool IsPattern(string entry) => entry == "*" || IsOrigin(entry.EndsWith(AnyPort, StringComparison.Ordinal) ? entry[..^AnyPort.Length] : entry);

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && text.Equals(uri.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase);

    private static string? WithoutPort(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsOrigin(origin) ? $"{uri.Scheme}://{uri.Host}" : null;
}
