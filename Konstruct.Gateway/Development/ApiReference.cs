using System.Security.Cryptography;
using Scalar.AspNetCore;

namespace Konstruct.Gateway.Development;

/// <summary>
/// Scalar at <c>/scalar</c>: the OpenAPI document as a page that also sends requests. Development only. Its script is in the
/// package; fonts, telemetry and services of others are off, and the policy refuses every request to another server.
/// </summary>
internal static class ApiReference
{
    public static void MapApiReference(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment())
        {
            return;
        }

        app.MapScalarApiReference(
                (options, context) =>
                {
                    var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
                    Protect(context.Response.Headers, nonce);
                    options
                        .WithNonce(nonce)
                        .WithTitle("Konstruct conversations")
                        .DisableDefaultFonts()
                        .DisableTelemetry()
                        .DisableAgent()
                        .DisableMcp()
                        .HideClientButton()
                        .HideDeveloperTools()
                        .ExpandAllTags()
                        .WithProxy("")
                        .WithDefaultHttpClient(ScalarTarget.Shell, ScalarClient.Curl);
                }
            )
            .ExcludeFromDescription();
    }

    /// <summary>Scalar writes its styles into the page; its scripts run by nonce or from this server.</summary>
    private static void Protect(IHeaderDictionary headers, string nonce)
    {
        headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
            + "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers["Referrer-Policy"] = "no-referrer";
    }
}
