namespace Konstruct.Contracts.Wire;

/// <summary>UUIDs as clients write them.</summary>
public static class WireGuid
{
    /// <summary>Accepts what the original's parser did: 32 hexadecimal digits in either case, hyphens, braces and a <c>urn:uuid:</c> in front or not.</summary>
    public static bool TryParse(string? text, out Guid value)
    {
        if (Guid.TryParseExact(text, "D", out value))
        {
            return true;
        }

        var digits = text?
            .Replace("urn:", "", StringComparison.Ordinal)
            .Replace("uuid:", "", StringComparison.Ordinal)
            .Trim('{', '}')
            .Replace("-", "", StringComparison.Ordinal);
        return Guid.TryParseExact(digits, "N", out value);
    }
}
