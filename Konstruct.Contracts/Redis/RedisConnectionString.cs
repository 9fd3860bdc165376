using StackExchange.Redis;

namespace Konstruct.Contracts.Redis;

/// <summary>Checks a Redis connection string. Errors never quote it, because any part may be the password.</summary>
public static class RedisConnectionString
{
    private const string Form = "host:port,password=…,ssl=true; a password that holds a comma cannot be written so, give Redis another";

    /// <summary>The fault, as the end of a sentence; null: none that is visible without a connection.</summary>
    public static string? FindFault(string value)
    {
        if (value.Contains("://", StringComparison.Ordinal) && Uri.CheckSchemeName(value.Split("://")[0].Trim()))
        {
            return $"is a URL, which StackExchange.Redis does not read. Write {Form}.";
        }

        // The client would treat it as another host and connect to it.
        if (
            value
                .Split(',')
                .SkipWhile(part => !part.Contains('=', StringComparison.Ordinal))
                .Any(part => part.Trim().Length > 0 && !part.Contains('=', StringComparison.Ordinal))
        )
        {
            return $"has a word without = after a setting: a password with a comma in it, or a host, which goes first. Write {Form}.";
        }

        try
        {
            var options = ConfigurationOptions.Parse(value);
            return options.EndPoints.Count == 0 ? $"names no host. Write {Form}." : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            // The exception's message may contain part of the password.
            return $"cannot be read: a word is not one of StackExchange.Redis's, or a value breaks it. Write {Form}.";
        }
    }
}
