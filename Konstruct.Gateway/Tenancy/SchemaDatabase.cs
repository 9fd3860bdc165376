using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>The database itself: there, and in UTF-8. In another encoding an emoji in an answer could not be stored.</summary>
internal static partial class SchemaDatabase
{
    public const string Encoding = "UTF8";

    /// <summary>Makes it where it is missing.</summary>
    /// <exception cref="InvalidOperationException">It exists in another encoding: a sentence that says what to do.</exception>
    public static async Task EnsureAsync(NpgsqlConnection maintenance, string name, ILogger logger, CancellationToken cancellationToken)
    {
        switch (await EncodingOfAsync(maintenance, name, cancellationToken))
        {
            case Encoding:
                return;
            case { } other:
                throw new InvalidOperationException(WrongEncoding(name, other));
        }

        Log.Creating(logger, name);

        // A copy of template1 has its encoding. template0 alone can be copied into another, and the locale C is the one that suits every encoding.
        var isUtf8 = await EncodingOfAsync(maintenance, "template1", cancellationToken) == Encoding;
        var options = isUtf8 ? "" : $" ENCODING '{Encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
        await using var create = new NpgsqlCommand($"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"{options}", maintenance);
        await create.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>What is told of a database in another encoding.</summary>
    public static string WrongEncoding(string name, string encoding) =>
        $"The database '{name}' has the encoding {encoding}; it must be {Encoding}, or texts could not be stored. "
        + "Name another database, which the schema step makes, and move what is in this one with pg_dump.";

    private static async Task<string?> EncodingOfAsync(NpgsqlConnection maintenance, string name, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand("SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = $1", maintenance);
        ask.Parameters.Add(new() { Value = name });
        return (string?)await ask.ExecuteScalarAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(100, LogLevel.Information, "Creating the database {Database}")]
        public static partial void Creating(ILogger logger, string database);
    }
}
