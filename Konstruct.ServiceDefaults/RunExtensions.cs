using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.Hosting;

/// <summary>Runs a service. Errors that a person can fix are printed as a sentence, not as a stack trace.</summary>
public static class RunExtensions
{
    /// <summary>Builds the service and runs it until it is stopped.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="map">Maps its endpoints.</param>
    /// <returns>The exit code: 0, or 1 when it could not start or has set <see cref="Environment.ExitCode"/> itself.</returns>
    public static async Task<int> RunToEndAsync(this WebApplicationBuilder builder, Action<WebApplication> map)
    {
        CancellationToken stopping = default;
        try
        {
            var app = builder.Build();
            stopping = app.Lifetime.ApplicationStopping; // The application cannot be asked once it is disposed.
            app.Services.GetService<IStartupValidator>()?.Validate(); // Early: the host would log a stack trace.
            map(app);
            await app.RunAsync();
            return Environment.ExitCode;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return Environment.ExitCode; // Stopped during startup.
        }
        catch (OptionsValidationException exception)
        {
            return await FailAsync($"The configuration is not valid. {string.Join(' ', exception.Failures)}");
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            return await FailAsync($"{exception.Message} Stop the program that listens there, or set another address in ASPNETCORE_URLS.");
        }
    }

    /// <summary>Reports a missing or invalid connection string as a configuration error at startup.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="name">The connection string's name.</param>
    /// <param name="findFault">Returns the fault of a value as the end of a sentence that quotes nothing of it; null: no fault.</param>
    public static void RequireConnectionString(this IHostApplicationBuilder builder, string name, Func<string, string?> findFault) =>
        builder
            .Services.AddOptions<RequiredConnectionStrings>()
            .Validate<IConfiguration>(
                (_, configuration) => !string.IsNullOrWhiteSpace(configuration.GetConnectionString(name)),
                $"There is no connection string '{name}'. The AppHost gives it to the services that it starts; by hand, set ConnectionStrings__{name}."
            )
            .Services.AddSingleton<IValidateOptions<RequiredConnectionStrings>>(services =>
            {
                var value = services.GetRequiredService<IConfiguration>().GetConnectionString(name);
                var fault = string.IsNullOrWhiteSpace(value) ? null : findFault(value);
                return new ValidateOptions<RequiredConnectionStrings>(null, _ => fault is null, $"The connection string '{name}' {fault}");
            })
            .AddOptions<RequiredConnectionStrings>()
            .ValidateOnStart();

    private static async Task<int> FailAsync(string sentence)
    {
        await Console.Error.WriteLineAsync(sentence);
        return 1;
    }

    /// <summary>Carries the checks of <see cref="RequireConnectionString"/>.</summary>
    private sealed class RequiredConnectionStrings;
}
