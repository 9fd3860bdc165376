using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.Hosting;

internal static class ConnectionStrings
{
    /// <summary>The connection string of that name; a sentence that says how to give it where it is missing.</summary>
    public static string GetRequiredConnectionString(this IConfiguration configuration, string name)
    {
        var value = configuration.GetConnectionString(name);
        return string.IsNullOrWhiteSpace(value)
            ? throw new InvalidOperationException(
                $"There is no connection string '{name}'. The AppHost gives it to every service it starts; a service that is started " +
                $"by hand needs it in the environment variable ConnectionStrings__{name}.")
            : value;
    }
}
