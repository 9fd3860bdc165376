using Konstruct.Gateway.Configuration;
using Konstruct.Gateway.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Konstruct.Gateway.Conversations;

/// <summary>
/// <c>/chat/conversations</c>: lists, reads, renames and deletes conversations. The group enforces
/// authentication, time-out and body size for all its endpoints.
/// </summary>
internal static class ConversationsApi
{
    public const int MaxPage = 100;
    public const int UsualConversations = 20;
    public const int UsualMessages = 50;

    public static void AddConversationsApi(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<ConversationCatalog>();
        services.AddSingleton<ConversationDeleter>();
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context => Problems.Explain(context.ProblemDetails));
        services.AddExceptionHandler<BadRequestHandler>();
        services.AddExceptionHandler<StoreOutageHandler>();
        services.AddRequestTimeouts();
        services.ConfigureHttpJsonOptions(json => ApiDocument.Use(json.SerializerOptions));
        services.AddApiDocument();
    }

    public static void MapConversationsApi(this WebApplication app)
    {
        app.UseExceptionHandler(
            new ExceptionHandlerOptions
            {
                StatusCodeSelector = exception =>
                    exception is BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError,
            }
        );
        app.UseStatusCodePages();
        app.UseRequestTimeouts();
        if (app.Environment.IsDevelopment())
        {
            app.MapOpenApi();
        }

        var limit = new RequestTimeoutPolicy
        {
            Timeout = app.Services.GetRequiredService<IOptions<ChatOptions>>().Value.StoreTimeout,
            TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable,
            WriteTimeoutResponse = context => Problems.Unavailable(context).ExecuteAsync(context),
        };
        var conversations = app.MapGroup("/chat/conversations");
        conversations
            .AddEndpointFilter<CallerFilter>()
            .WithRequestTimeout(limit)
            .WithMetadata(new RequestSizeLimitAttribute(RequestReading.MaxBodyBytes))
            .WithTags("Conversations")
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        conversations
            .MapPost("", CreateAsync)
            .Accepts<NewConversation>("application/json")
            .WithSummary("Create a conversation")
            .ProducesProblem(400)
            .ProducesProblem(413)
            .ProducesProblem(415);
        conversations.MapGet("", ListAsync).WithSummary("List or search my conversations, latest activity first").ProducesProblem(400);
        conversations.MapGet("{id}", GetAsync).WithSummary("Read a conversation").ProducesProblem(400).ProducesProblem(404);
        conversations
            .MapGet("{id}/messages", ReadAsync)
            .WithSummary("Read a conversation's messages, newest first")
            .ProducesProblem(400)
            .ProducesProblem(404);
        conversations
            .MapPatch("{id}", RenameAsync)
            .Accepts<NewTitle>("application/json")
            .WithSummary("Rename a conversation")
            .ProducesProblem(400)
            .ProducesProblem(404)
            .ProducesProblem(413)
            .ProducesProblem(415);
        conversations
            .MapDelete("{id}", DeleteAsync)
            .WithSummary("Delete a conversation with its messages; a live turn is cancelled first")
            .ProducesProblem(400)
            .ProducesProblem(404);
    }

    private static async Task<Results<Created<ConversationItem>, ProblemHttpResult>> CreateAsync(
        HttpContext context,
        ConversationCatalog catalog,
        TimeProvider time
    )
    {
        var (body, problem) = await RequestReading.ReadBodyAsync(context, ApiJson.Default.NewConversation);
        if (body is null)
        {
            return problem!;
        }

        if (RequestReading.ReadText(body.AgentId, "agent_id", isRequired: true, out var agentId) is { } noAgent)
        {
            return noAgent;
        }

        if (RequestReading.ReadText(body.Title, "title", isRequired: false, out var title) is { } noTitle)
        {
            return noTitle;
        }

        var caller = context.Caller();
        var key = new ConversationKey(caller.TenantId, Guid.CreateVersion7(time.GetUtcNow()));
        try
        {
            var created = await catalog.CreateAsync(key, caller.UserId, agentId!, title, context.RequestAborted);
            return TypedResults.Created($"/chat/conversations/{created.Id}", created);
        }
        catch (PostgresException exception)
            when (exception.SqlState is PostgresErrorCodes.InvalidTextRepresentation or PostgresErrorCodes.ForeignKeyViolation)
        {
            return Problems.BadRequest("The 'agent_id' names no agent: this database was made by the original gateway, and its agents have UUIDs.");
        }
    }

    private static async Task<Results<Ok<Page<ConversationItem>>, ProblemHttpResult>> ListAsync(
        HttpContext context,
        ConversationCatalog catalog,
        string? title,
        string? limit,
        string? cursor
    )
    {
        if (RequestReading.ReadText(title, "title", isRequired: false, out var part) is { } noTitle)
        {
            return noTitle;
        }

        if (RequestReading.ReadPage(limit, cursor, UsualConversations, out var after, out var most) is { } wrong)
        {
            return wrong;
        }

        var caller = context.Caller();
        return TypedResults.Ok(await catalog.ListAsync(caller.TenantId, caller.UserId, part, after, most, context.RequestAborted));
    }

    private static async Task<Results<Ok<ConversationItem>, ProblemHttpResult>> GetAsync(HttpContext context, ConversationCatalog catalog, string id)
    {
        if (RequestReading.ReadKey(context, id, out var key) is { } wrong)
        {
            return wrong;
        }

        return await catalog.FindAsync(key, context.Caller().UserId, context.RequestAborted) is { } found
            ? TypedResults.Ok(found)
            : Problems.NotFound();
    }

    private static async Task<Results<Ok<Page<MessageItem>>, ProblemHttpResult>> ReadAsync(
        HttpContext context,
        ConversationCatalog catalog,
        string id,
        string? limit,
        string? cursor
    )
    {
        if (RequestReading.ReadKey(context, id, out var key) is { } noKey)
        {
            return noKey;
        }

        if (RequestReading.ReadPage(limit, cursor, UsualMessages, out var after, out var most) is { } noPage)
        {
            return noPage;
        }

        return await catalog.ReadAsync(key, context.Caller().UserId, after, most, context.RequestAborted) is { } page
            ? TypedResults.Ok(page)
            : Problems.NotFound();
    }

    private static async Task<Results<Ok<ConversationItem>, ProblemHttpResult>> RenameAsync(
        HttpContext context,
        ConversationCatalog catalog,
        string id
    )
    {
        if (RequestReading.ReadKey(context, id, out var key) is { } wrong)
        {
            return wrong;
        }

        var (body, problem) = await RequestReading.ReadBodyAsync(context, ApiJson.Default.NewTitle);
        if (body is null)
        {
            return problem!;
        }

        if (RequestReading.ReadText(body.Title, "title", isRequired: true, out var title) is { } noTitle)
        {
            return noTitle;
        }

        return await catalog.RenameAsync(key, context.Caller().UserId, title!, context.RequestAborted) is { } renamed
            ? TypedResults.Ok(renamed)
            : Problems.NotFound();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(HttpContext context, ConversationDeleter deleter, string id)
    {
        if (RequestReading.ReadKey(context, id, out var key) is { } wrong)
        {
            return wrong;
        }

        return await deleter.DeleteAsync(key, context.Caller().UserId, context.RequestAborted) ? TypedResults.NoContent() : Problems.NotFound();
    }
}
