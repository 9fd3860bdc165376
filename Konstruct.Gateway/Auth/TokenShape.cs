using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Konstruct.Gateway.Auth;

/// <summary>Checks of a token that the library does not make, after signature, issuer, audience and lifetime.</summary>
internal static class TokenShape
{
    /// <summary>RFC 9068 and RFC 7519. The same key signs other types (ID, logout and proof tokens) for other uses.</summary>
    private static readonly string[] Types = ["JWT", "at+jwt", "application/at+jwt"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Why a token is not an access token for this gateway; null: no fault.</summary>
    public static string? FindFault(JsonWebToken token)
    {
        using var header = Read(token.EncodedHeader);
        if (header is null)
        {
            return "its header has a member twice";
        }

        if (header.RootElement.TryGetProperty("crit", out _))
        {
            return "it has critical extensions, and none is known here (RFC 7515, 4.1.11)";
        }

        return
            header.RootElement.TryGetProperty("typ", out var type)
            && !(type.ValueKind == JsonValueKind.String && Types.Contains(type.GetString(), StringComparer.OrdinalIgnoreCase))
            ? "its typ is none of an access token"
            : null;
    }

    /// <summary>
    /// A claim with exactly one string. Null if it is missing, a list, of another type, or duplicated: which duplicate the library uses is undefined.
    /// </summary>
    public static string? OneString(JsonWebToken token, string claim)
    {
        using var payload = Read(token.EncodedPayload);
        return payload is not null && payload.RootElement.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
    }

    private static JsonDocument? Read(string encoded)
    {
        try
        {
            return JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(encoded), Strict);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
