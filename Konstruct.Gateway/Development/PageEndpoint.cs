using Microsoft.Extensions.Options;

namespace Konstruct.Gateway.Development;

/// <summary>
/// The developer's page at <c>/</c>. Development only; elsewhere these addresses do not exist. It
/// is an ordinary client of the socket and the HTTP API.
/// </summary>
internal static class PageEndpoint
{
    /// <summary>
    /// Only content of this server is loaded, run or connected to, and no text becomes markup: with Trusted Types required and
    /// no policy allowed, <c>innerHTML</c> throws. A script in an answer stays text even if the page has a bug.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    public static void AddPage(this WebApplicationBuilder builder) =>
        builder.Services.AddOptions<PageOptions>().BindConfiguration(PageOptions.Section);

    public static void MapPage(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment())
        {
            return;
        }

        var files = PageFile.ReadAll();
        var settings = PageSettings.For(app.Services.GetRequiredService<IOptions<PageOptions>>().Value);
        var page = app.MapGroup("")
            .ExcludeFromDescription()
            .AddEndpointFilter(
                (context, next) =>
                {
                    Protect(context.HttpContext.Response.Headers);
                    return next(context);
                }
            );
        page.MapGet("/", () => Serve(files["index.html"]));
        page.MapGet("/page/settings.json", () => Results.Json(settings, PageJson.Default.PageSettings));
        page.MapGet("/page/{**path}", (string? path) => files.TryGetValue(path ?? "", out var file) ? Serve(file) : Results.NotFound());
    }

    private static IResult Serve(PageFile file) => Results.File(file.Content, file.ContentType, entityTag: file.ETag);

    private static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        // Revalidated on each request; unchanged content is not sent again.
        headers.CacheControl = "no-cache";
    }
}
