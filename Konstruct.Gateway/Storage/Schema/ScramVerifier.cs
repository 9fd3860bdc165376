using System.Security.Cryptography;
using System.Text;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>
/// The verifier that PostgreSQL stores instead of a password (RFC 5803; <c>pg_authid.rolpassword</c>). It is sent in place of the
/// password, so a log of statements, or of failed statements, shows only the verifier, which cannot be used to log in.
/// </summary>
internal static class ScramVerifier
{
    /// <summary>
    /// PostgreSQL's default, and the minimum of RFC 7677. The generated password has 131 bits, so more iterations would only slow each login.
    /// </summary>
    private const int Iterations = 4096;

    private const int SaltBytes = 16;

    /// <summary>Computes a verifier with a random salt.</summary>
    /// <param name="password">The password. It is normalised (NFKC) as Npgsql does at login, which does not change ASCII.</param>
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
