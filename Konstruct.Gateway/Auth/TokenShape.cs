using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Konstruct.Gateway.Auth;

/// <summary>What the library does not look at in a token whose signature, issuer, audience and lifetime are right.</summary>
internal static class TokenShape
{
    /// <summary>RFC 9068 and RFC 7519. Anything else (an id token's, a logout token's, a proof's) was signed by the same key for another use.</summary>
    private static readonly string[] Types = ["JWT", "at+jwt", "application/at+jwt"];

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Why a token is not an access token of this gateway's; null: it may be one.</summary>
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

        return header.RootElement.TryGetProperty("typ", out var type)
            && !(type.ValueKind == JsonValueKind.String && Types.Contains(type.GetString(), StringComparer.OrdinalIgnoreCase))
            ? "its typ is none of an access token"
            : null;
    }

    /// <summary>A claim that is one string; null when it is missing, a list, another kind, or there twice: which of several the library takes is chance.</summary>
    public static string? OneString(JsonWebToken token, string claim)
    {
        using var payload = Read(token.EncodedPayload);
        return payload is not null && payload.RootElement.TryGetProperty(claim, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
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
