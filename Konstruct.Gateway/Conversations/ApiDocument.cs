using System.Text.Encodings.Web;
using System.Text.Json;
using Konstruct.Gateway.Auth;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;

namespace Konstruct.Gateway.Conversations;

/// <summary>The API's JSON options, and the OpenAPI document served in Development.</summary>
internal static class ApiDocument
{
    /// <summary>Uses the names of <see cref="ApiJson"/> and leaves text unescaped: default escapes turn an emoji into twelve bytes.</summary>
    public static void Use(JsonSerializerOptions json)
    {
        json.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
    }

    /// <summary>Served at <c>/openapi/v1.json</c>.</summary>
    public static void AddApiDocument(this IServiceCollection services) =>
        services.AddOpenApi(options =>
        {
            options.AddDocumentTransformer(
                (document, _, _) =>
                {
                    document.Info = new() { Title = "Konstruct conversations", Version = "v1" };
                    return Task.CompletedTask;
                }
            );
            options.AddOperationTransformer(
                (operation, context, _) =>
                {
                    operation.Parameters ??= [];
                    Describe(operation.Parameters, context.Description.RelativePath);
                    if (context.ApplicationServices.GetRequiredService<IOptions<AuthOptions>>().Value.Mode == AuthMode.Jwt)
                    {
                        operation.Parameters.Add(
                            new OpenApiParameter
                            {
                                Name = "Authorization",
                                In = ParameterLocation.Header,
                                Required = true,
                                Description = "Bearer, and a token: the same as a socket's.",
                                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                            }
                        );
                        return Task.CompletedTask;
                    }

                    foreach (
                        var (header, isRequired, format) in new[]
                        {
                            (TrustedHeaders.User, true, "uuid"),
                            (TrustedHeaders.Tenant, true, "uuid"),
                            (TrustedHeaders.Role, false, null),
                        }
                    )
                    {
                        operation.Parameters.Add(
                            new OpenApiParameter
                            {
                                Name = header,
                                In = ParameterLocation.Header,
                                Required = isRequired,
                                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = format },
                            }
                        );
                    }

                    return Task.CompletedTask;
                }
            );
        });

    /// <summary>Handlers take text and check it themselves; the document says what they accept.</summary>
    private static void Describe(IList<IOpenApiParameter> parameters, string? path)
    {
        var isOfMessages = path?.EndsWith("messages", StringComparison.Ordinal) == true;
        foreach (var parameter in parameters.OfType<OpenApiParameter>())
        {
            (parameter.Description, parameter.Schema) = parameter.Name switch
            {
                "id" => ("The conversation's id.", new OpenApiSchema { Type = JsonSchemaType.String, Format = "uuid" }),
                "title" => (
                    "A part of the title, without regard to case. All characters are literal. Blank: all conversations.",
                    new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = RequestReading.MaxCharacters }
                ),
                "limit" => (
                    "Maximum number of items.",
                    new OpenApiSchema
                    {
                        Type = JsonSchemaType.Integer,
                        Format = "int32",
                        Minimum = "1",
                        Maximum = $"{ConversationsApi.MaxPage}",
                        Default = isOfMessages ? ConversationsApi.UsualMessages : ConversationsApi.UsualConversations,
                    }
                ),
                "cursor" => ("'next' of the page before, with the same 'title'. Absent: the first page.", parameter.Schema),
                _ => (parameter.Description, parameter.Schema),
            };
        }
    }
}
