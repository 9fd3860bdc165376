using System.Security.Cryptography;
using System.Text;

namespace Konstruct.Gateway.Tenancy;

/// <summary>
/// What PostgreSQL keeps instead of a password (RFC 5803, as <c>pg_authid.rolpassword</c> has it). Sent in place of the password, it is all that a log of statements, or of one that
/// failed, can show; nobody can log in with it.
/// </summary>
internal static class ScramVerifier
{
    /// <summary>PostgreSQL's own default, and the least that RFC 7677 allows. The generated password has 131 bits: more rounds would only slow each login.</summary>
    private const int Iterations = 4096;

    private const int SaltBytes = 16;

    /// <summary>A verifier with a salt of its own.</summary>
    /// <param name="password">Normalised as Npgsql does when it logs in (NFKC; for ASCII that changes nothing).</param>
    public static string Of(string password) => Of(password, RandomNumberGenerator.GetBytes(SaltBytes));

    /// <inheritdoc cref="Of(string)"/>
    internal static string Of(string password, byte[] salt)
    {
        var normalised = Encoding.UTF8.GetBytes(password.Normalize(NormalizationForm.FormKC));
        var salted = Rfc2898DeriveBytes.Pbkdf2(normalised, salt, Iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        var storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}";
    }
}
