using System.Globalization;
using System.Text;
using Konstruct.Gateway.Auth;
using Konstruct.Gateway.Protocol;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Konstruct.Gateway.Development;

/// <summary>
/// The gateway's argument <c>token</c>: prints a token that this gateway's settings accept, for local work. It
/// requires the symmetric key; an authority's tokens can only come from the authority.
/// </summary>
internal static class TokenCommand
{
    private const string Usage = "Usage: token --user UUID --tenant UUID [--role ROLE] [--lifetime hh:mm:ss]";
    private const string KeyAdvice =
        "There is no key to sign with: set Auth__Jwt__SigningKey to the gateway's. For a run of the AppHost use the command Token on the gateway's row of the dashboard.";

    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateBuilder();
        var given = new ConfigurationBuilder().AddCommandLine(args).Build();
        var jwt = builder.Configuration.GetSection(AuthOptions.Section).Get<AuthOptions>()?.Jwt ?? new();
        var error = Make(given, jwt, TimeProvider.System.GetUtcNow(), out var token);
        await (error is null ? Console.Out : Console.Error).WriteLineAsync(error ?? token);
        return error is null ? 0 : 1;
    }

    /// <summary>Creates the token. Null: success; otherwise an error sentence.</summary>
    private static string? Make(IConfiguration given, JwtOptions jwt, DateTimeOffset now, out string token)
    {
        token = "";
        var lifetime = TimeSpan.FromHours(1);
        if (
            !WireGuid.TryParse(given["user"], out var user)
            || !WireGuid.TryParse(given["tenant"], out var tenant)
            || (given["lifetime"] is { } text && !TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out lifetime))
        )
        {
            return Usage;
        }

        var key = Encoding.UTF8.GetBytes(jwt.SigningKey);
        if (key.Length < JwtOptions.LeastKeyBytes)
        {
            return KeyAdvice;
        }

        var claims = new Dictionary<string, object> { [jwt.UserClaim] = user.ToString("D"), [jwt.TenantClaim] = tenant.ToString("D") };
        if (given["role"] is { } role)
        {
            claims[jwt.RoleClaim] = role;
        }

        token = new JsonWebTokenHandler().CreateToken(
            new SecurityTokenDescriptor
            {
                Issuer = jwt.Issuer,
                Audience = jwt.Audience,
                IssuedAt = now.UtcDateTime,
                NotBefore = now.UtcDateTime,
                Expires = (now + lifetime).UtcDateTime,
                Claims = claims,
                SigningCredentials = new(new SymmetricSecurityKey(key), SecurityAlgorithms.HmacSha256),
            }
        );
        return null;
    }
}
