using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Konstruct.Gateway.Development;

/// <summary>A file of the page, embedded in the gateway, so that the page works from any working directory.</summary>
/// <param name="Content">The bytes.</param>
/// <param name="ContentType">With the character set.</param>
/// <param name="ETag">Changes with the content.</param>
internal sealed record PageFile(byte[] Content, string ContentType, EntityTagHeaderValue ETag)
{
    private const string Prefix = "page/";

    /// <summary>All files by their path below <c>/page/</c>; the client's modules are in <c>client/</c>.</summary>
    public static IReadOnlyDictionary<string, PageFile> ReadAll()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly
            .GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..], name => Read(assembly, name));
    }

    private static PageFile Read(Assembly assembly, string name)
    {
        using var resource = assembly.GetManifestResourceStream(name)!;
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return new(content, TypeOf(Path.GetExtension(name)), new($"\"{Convert.ToHexStringLower(SHA256.HashData(content)[..12])}\""));
    }

    private static string TypeOf(string extension) =>
        extension switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml; charset=utf-8",
            _ => throw new InvalidOperationException($"The page has a file that ends in {extension}, and no content type for it."),
        };
}
