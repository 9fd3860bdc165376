namespace Konstruct.Gateway.Edge;

/// <summary>
/// An origin as RFC 6454 defines it: scheme, host and port. Two are the same when these three are, however they were spelled: a default port may be left out,
/// a name may be in Unicode or in its ASCII form (<c>xn--…</c>), in any case.
/// </summary>
internal readonly record struct Origin(string Scheme, string Host, int Port)
{
    /// <summary>Reads an origin as a browser sends it. Null: it is none, for example <c>null</c>, or has more than the three.</summary>
    public static Origin? Parse(string text)
    {
        var lower = text.ToLowerInvariant();
        if (!Uri.TryCreate(lower, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
            || uri.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6) || !IsAuthorityAlone(lower, uri.Scheme))
        {
            return null;
        }

        try
        {
            return new(uri.Scheme, uri.IdnHost, uri.Port);
        }
        catch (UriFormatException)
        {
            return null; // The host has characters that no name can have.
        }
    }

    private static bool IsAuthorityAlone(string text, string scheme) =>
        text.StartsWith($"{scheme}://", StringComparison.Ordinal) && text.AsSpan(scheme.Length + 3).IndexOfAny("/\\?#@") < 0;
}
