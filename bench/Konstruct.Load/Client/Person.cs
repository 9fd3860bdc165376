using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Konstruct.Load.Client;

/// <summary>Tokens as the portal would issue them, signed with the gateway's key.</summary>
internal static class Token
{
    public static string For(Person person, string key)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var claims = $$"""
            {"iss":"konstruct-portal","aud":"konstruct-chat","sub":"{{person.User:D}}","tenant_id":"{{person.Tenant:D}}","role":"member","nbf":{{now
                - 5}},"exp":{{now + 3600}}}
            """;
        var content = $"{Encode("""{"alg":"HS256","typ":"JWT"}""")}.{Encode(claims)}";
        return $"{content}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.ASCII.GetBytes(content)))}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}

/// <summary>A user and its conversation.</summary>
internal sealed record Person(Guid Tenant, Guid User, Guid Conversation, Guid Agent)
{
    public static Person New() => new(Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
}
