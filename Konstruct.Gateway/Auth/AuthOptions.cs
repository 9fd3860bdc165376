using System.Text;
using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Auth;

/// <summary>How the gateway learns who a client is.</summary>
internal enum AuthMode
{
    /// <summary>From a signed token.</summary>
    Jwt,

    /// <summary>The client says so and is believed, as by the original gateway.</summary>
    Trusted,
}

/// <summary>Who gets in: configuration section <c>Auth</c>.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Default <c>Jwt</c>; Development's settings say <c>Trusted</c>.</summary>
    public AuthMode Mode { get; set; }

    /// <summary>
    /// Outside of Development, <c>Trusted</c> wants this to be true: whoever reaches the gateway may then read and write any user's conversations of any
    /// tenant. Default false.
    /// </summary>
    public bool LetAnyoneClaimAnyTenant { get; set; }

    /// <summary>What a token must be in the mode <c>Jwt</c>.</summary>
    public JwtOptions Jwt { get; set; } = new();

    /// <summary>How long a socket stays open after its token has expired, for the client to send a fresh one; then it is closed with 4010. Default 30 s; 0: none.</summary>
    public TimeSpan ExpiryGrace { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Configuration section <c>Auth:Jwt</c>. The keys come from an authority or are one symmetric key.</summary>
internal sealed class JwtOptions
{
    /// <summary>HS256 wants as much: RFC 7518, 3.2.</summary>
    public const int LeastKeyBytes = 32;

    /// <summary>
    /// Address of an OpenID Connect authority; its keys, and its changes of keys, and its issuer come from its metadata. https, in Development also
    /// http. Empty, the default: <see cref="SigningKey"/> is used.
    /// </summary>
    public string Authority { get; set; } = "";

    /// <summary>The symmetric key as text, 32 bytes of UTF-8 or more: HS256; from 48 bytes also HS384, from 64 also HS512. Not used where there is an authority. No default.</summary>
    public string SigningKey { get; set; } = "";

    /// <summary>Who must have issued a token that <see cref="SigningKey"/> signs. Default <c>konstruct-portal</c>.</summary>
    public string Issuer { get; set; } = "konstruct-portal";

    /// <summary>Whom a token must be for. Default <c>konstruct-chat</c>.</summary>
    public string Audience { get; set; } = "konstruct-chat";

    /// <summary>The claim that is the user's UUID. Default <c>sub</c>.</summary>
    public string UserClaim { get; set; } = "sub";

    /// <summary>The claim that is the tenant's UUID. Default <c>tenant_id</c>.</summary>
    public string TenantClaim { get; set; } = "tenant_id";

    /// <summary>The claim that is the role; a token may lack it. Default <c>role</c>.</summary>
    public string RoleClaim { get; set; } = "role";

    /// <summary>How far the issuer's clock may be from this one's. Default 30 s; 0: not at all.</summary>
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    public bool HasAuthority => Authority.Length > 0;
}

/// <summary>Says at the start, in a sentence, what would otherwise let everybody in or nobody.</summary>
internal sealed class AuthOptionsCheck(IHostEnvironment environment) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        var failures = options.Mode switch
        {
            AuthMode.Trusted => CheckTrusted(options),
            AuthMode.Jwt => CheckJwt(options.Jwt),
            _ => [$"Auth:Mode is {options.Mode}. It can be Jwt or Trusted."],
        };
        if (options.ExpiryGrace < TimeSpan.Zero || options.ExpiryGrace > TimeSpan.FromHours(1))
        {
            failures = failures.Append($"Auth:ExpiryGrace is {options.ExpiryGrace}. It must be between 0 and an hour.");
        }

        var all = failures.ToList();
        return all.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(all);
    }

    private IEnumerable<string> CheckTrusted(AuthOptions options)
    {
        if (!environment.IsDevelopment() && !options.LetAnyoneClaimAnyTenant)
        {
            yield return "Auth:Mode is Trusted, which lets anyone who reaches this gateway claim any user of any tenant, and this is not Development. "
                + "Set Auth:Mode to Jwt; or, where nobody but trusted callers can reach it, set Auth:LetAnyoneClaimAnyTenant to true.";
        }
    }

    private IEnumerable<string> CheckJwt(JwtOptions jwt)
    {
        if (jwt.HasAuthority)
        {
            var isAddress = Uri.TryCreate(jwt.Authority, UriKind.Absolute, out var address) && address.Scheme is "https" or "http";
            if (!isAddress || (address!.Scheme == "http" && !environment.IsDevelopment()))
            {
                yield return $"Auth:Jwt:Authority is '{jwt.Authority}'. It must be an https address.";
            }
        }
        else if (Encoding.UTF8.GetByteCount(jwt.SigningKey) < JwtOptions.LeastKeyBytes)
        {
            yield return jwt.SigningKey.Length == 0
                ? "Auth:Mode is Jwt and there is nothing to check tokens with: set Auth:Jwt:Authority, or Auth:Jwt:SigningKey."
                : $"Auth:Jwt:SigningKey is too short: it needs {JwtOptions.LeastKeyBytes} bytes or more.";
        }
        else if (string.IsNullOrWhiteSpace(jwt.Issuer))
        {
            yield return "Auth:Jwt:Issuer is empty: any program with the same key could issue tokens.";
        }

        if (string.IsNullOrWhiteSpace(jwt.Audience))
        {
            yield return "Auth:Jwt:Audience is empty: tokens that are meant for other services would be taken.";
        }

        if (string.IsNullOrWhiteSpace(jwt.UserClaim) || string.IsNullOrWhiteSpace(jwt.TenantClaim))
        {
            yield return "Auth:Jwt:UserClaim and Auth:Jwt:TenantClaim must name claims.";
        }

        if (jwt.ClockSkew < TimeSpan.Zero || jwt.ClockSkew > TimeSpan.FromMinutes(10))
        {
            yield return $"Auth:Jwt:ClockSkew is {jwt.ClockSkew}. It must be between 0 and 10 minutes.";
        }
    }
}
