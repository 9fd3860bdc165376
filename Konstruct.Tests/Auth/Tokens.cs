using System.Text;
using Konstruct.Tests.Harness;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Konstruct.Tests.Auth;

/// <summary>Tokens as a portal issues them, and as nobody should.</summary>
internal static class Tokens
{
    public const string Issuer = "konstruct-portal";
    public const string Audience = "konstruct-chat";
    public const string Key = "a key of the tests, long enough for HS256 and no secret";

    public static SecurityKey SymmetricKey(string text = Key) => new SymmetricSecurityKey(Encoding.UTF8.GetBytes(text));

    /// <summary>A good token for a person.</summary>
    public static string For(Person person, TimeSpan? lifetime = null, string? role = "member") => Make(Claims(person, role), lifetime);

    public static Dictionary<string, object> Claims(Person person, string? role = "member")
    {
        var claims = new Dictionary<string, object> { ["sub"] = $"{person.User}", ["tenant_id"] = $"{person.Tenant}" };
        if (role is not null)
        {
            claims["role"] = role;
        }

        return claims;
    }

    public static string Make(
        Dictionary<string, object> claims,
        TimeSpan? lifetime = null,
        SecurityKey? key = null,
        string algorithm = SecurityAlgorithms.HmacSha256,
        string issuer = Issuer,
        string audience = Audience,
        DateTime? from = null
    )
    {
        var begins = from ?? DateTime.UtcNow.AddMinutes(-1);
        var ends = DateTime.UtcNow + (lifetime ?? TimeSpan.FromHours(1));
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = issuer,
                Audience = audience,
                NotBefore = begins < ends ? begins : ends.AddMinutes(-1),
                Expires = ends,
                Claims = claims,
                SigningCredentials = new(key ?? SymmetricKey(), algorithm),
            }
        );
    }

    public static string Frame(string token) => $$"""{"type":"auth","token":"{{token}}"}""";
}
