using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Konstruct.Gateway.Auth;

/// <summary>Registers authentication for the configured mode.</summary>
internal static class AuthServices
{
    /// <summary>Minimum time between requests to an authority, for an unknown key or after a failure. Forged tokens must not flood it.</summary>
    private static readonly TimeSpan LeastRefresh = TimeSpan.FromSeconds(10);

    public static void AddAuth(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsCheck>();
        services.AddOptions<AuthOptions>().BindConfiguration(AuthOptions.Section).ValidateOnStart();
        if (builder.Configuration.GetValue<AuthMode>($"{AuthOptions.Section}:{nameof(AuthOptions.Mode)}") == AuthMode.Trusted)
        {
            services.AddSingleton<IAuthenticator, TrustedAuthenticator>();
            services.AddSingleton<IRequestAuthenticator, TrustedHeaders>();
            return;
        }

        // Uses the scheme's settings and keys without its middleware, which would hold a handler and
        // a scope for the life of a socket. TokenReader reads tokens.
        services.AddSingleton<IPostConfigureOptions<JwtBearerOptions>, JwtBearerPostConfigureOptions>();
        services
            .AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IOptions<AuthOptions>, IHostEnvironment>((bearer, auth, environment) => Configure(bearer, auth.Value.Jwt, environment));
        services.PostConfigure<JwtBearerOptions>(
            JwtBearerDefaults.AuthenticationScheme,
            bearer =>
            {
                // Otherwise a key that the authority has revoked stays valid for another hour.
                if (bearer.ConfigurationManager is BaseConfigurationManager keys)
                {
                    keys.UseLastKnownGoodConfiguration = false;
                }
            }
        );
        services.AddSingleton<TokenReader>();
        services.AddSingleton<IAuthenticator, JwtAuthenticator>();
        services.AddSingleton<IRequestAuthenticator, BearerHeader>();
    }

    private static void Configure(JwtBearerOptions bearer, JwtOptions jwt, IHostEnvironment environment)
    {
        bearer.RefreshInterval = LeastRefresh;
        bearer.RequireHttpsMetadata = !environment.IsDevelopment();
        bearer.TokenValidationParameters = new()
        {
            ValidAudience = jwt.Audience,
            ClockSkew = jwt.ClockSkew,
            // Each kind of key allows only its own algorithms: a public key must never serve as a secret.
            ValidAlgorithms = jwt.HasAuthority
                ?
                [
                    SecurityAlgorithms.RsaSha256,
                    SecurityAlgorithms.RsaSha384,
                    SecurityAlgorithms.RsaSha512,
                    SecurityAlgorithms.RsaSsaPssSha256,
                    SecurityAlgorithms.RsaSsaPssSha384,
                    SecurityAlgorithms.RsaSsaPssSha512,
                    SecurityAlgorithms.EcdsaSha256,
                    SecurityAlgorithms.EcdsaSha384,
                    SecurityAlgorithms.EcdsaSha512,
                ]
                : [.. HmacOf(Encoding.UTF8.GetByteCount(jwt.SigningKey))],
        };
        if (jwt.HasAuthority)
        {
            bearer.Authority = jwt.Authority;
        }
        else
        {
            bearer.TokenValidationParameters.ValidIssuer = jwt.Issuer;
            bearer.TokenValidationParameters.IssuerSigningKey = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(jwt.SigningKey));
        }
    }

    /// <summary>RFC 7518, 3.2: a key needs at least as many bytes as the hash. For a shorter one the library reports a wrong signature.</summary>
    private static IEnumerable<string> HmacOf(int keyBytes)
    {
        yield return SecurityAlgorithms.HmacSha256;
        if (keyBytes >= 48)
        {
            yield return SecurityAlgorithms.HmacSha384;
        }

        if (keyBytes >= 64)
        {
            yield return SecurityAlgorithms.HmacSha512;
        }
    }
}
