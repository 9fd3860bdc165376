using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Konstruct.Tests.Clients;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Page;

/// <summary>Tokens as the portal would issue them, signed with the tests' key.</summary>
internal static class Tokens
{
    public static string Header { get; } = Encode(new { alg = "HS256", typ = "JWT" });

    public static string For(Person person, TimeSpan lifetime)
    {
        var now = DateTimeOffset.UtcNow;
        var claims = Encode(new
        {
            sub = person.User,
            tenant_id = person.Tenant,
            role = "member",
            iss = "konstruct-portal",
            aud = "konstruct-chat",
            nbf = now.AddHours(-2).ToUnixTimeSeconds(),
            exp = now.Add(lifetime).ToUnixTimeSeconds(),
        });
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(ClientPipeline.SigningKey), Encoding.ASCII.GetBytes($"{Header}.{claims}"));
        return $"{Header}.{claims}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}";
    }

    private static string Encode<T>(T part) => System.Buffers.Text.Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));
}
