namespace Konstruct.Gateway.Protocol;

/// <summary>UUIDs as clients write them.</summary>
internal static class WireGuid
{
    /// <summary>
    /// Accepts what the original's parser accepted: 32 hexadecimal digits in either case, with or
    /// without hyphens, braces and the prefix <c>urn:uuid:</c>.
    /// </summary>
    public static bool TryParse(string? text, out Guid value)
    {
        if (Guid.TryParseExact(text, "D", out value))
        {
            return true;
        }

        var digits = text
            ?.Replace("urn:", "", StringComparison.Ordinal)
            .Replace("uuid:", "", StringComparison.Ordinal)
            .Trim('{', '}')
            .Replace("-", "", StringComparison.Ordinal);
        return Guid.TryParseExact(digits, "N", out value);
    }
}
