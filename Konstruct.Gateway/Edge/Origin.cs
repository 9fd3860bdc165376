namespace Konstruct.Gateway.Edge;

/// <summary>
/// An origin by RFC 6454: scheme, host and port. Two origins are equal if these are, in any spelling: a default
/// port may be omitted, and a name may be in Unicode or ASCII (<c>xn--…</c>), in any case.
/// </summary>
internal readonly record struct Origin(string Scheme, string Host, int Port)
{
    /// <summary>Parses an origin as a browser sends it. Null: not an origin, such as <c>null</c>, or with further parts.</summary>
    public static Origin? Parse(string text)
    {
        var lower = text.ToLowerInvariant();
        if (
            !Uri.TryCreate(lower, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("http" or "https")
            || uri.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6)
            || !IsAuthorityAlone(lower, uri.Scheme)
        )
        {
            return null;
        }

        try
        {
            return new(uri.Scheme, uri.IdnHost, uri.Port);
        }
        catch (UriFormatException)
        {
            return null; // Invalid characters in the host.
        }
    }

    private static bool IsAuthorityAlone(string text, string scheme) =>
        text.StartsWith($"{scheme}://", StringComparison.Ordinal) && text.AsSpan(scheme.Length + 3).IndexOfAny("/\\?#@") < 0;
}
