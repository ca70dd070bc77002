//! Walks over a template's syntax tree, which the reader has bounded in depth.

use modelward_formats::jinja::syntax::{Expression, Statement};

/// Visit every statement, those inside blocks too, outer before inner.
pub(super) fn statements<'a>(body: &'a [Statement], visit: &mut dyn FnMut(&'a Statement)) {
    for statement in body {
        visit(statement);
        for inner in bodies(statement) {
            statements(inner, visit);
        }
    }
}

/// Visit every expression of every statement, outer before inner.
pub(super) fn expressions<'a>(body: &'a [Statement], visit: &mut dyn FnMut(&'a Expression)) {
    statements(body, &mut |statement| {
        for expression in of(statement) {
            down(expression, visit);
        }
    });
}

/// Visit an expression and everything inside it, outer before inner.
pub(super) fn down<'a>(expression: &'a Expression, visit: &mut dyn FnMut(&'a Expression)) {
    visit(expression);
    expression.children(&mut |child| down(child, visit));
}

/// The blocks of one statement.
pub(super) fn bodies(statement: &Statement) -> Vec<&[Statement]> {
    match statement {
        Statement::For { body, otherwise, .. } => vec![body, otherwise],
        Statement::If(branches, otherwise) => {
            let bodies = branches.iter().map(|(_, body)| body.as_slice());
            bodies.chain([otherwise.as_slice()]).collect()
        }
        Statement::SetBody { body, .. }
        | Statement::Macro { body, .. }
        | Statement::Filter(_, body)
        | Statement::Group(body) => vec![body],
        Statement::Text(..)
        | Statement::Print(_)
        | Statement::Set { .. }
        | Statement::Load { .. } => Vec::new(),
    }
}

/// The expressions of one statement itself, targets of bindings left out.
pub(super) fn of(statement: &Statement) -> Vec<&Expression> {
    match statement {
        Statement::Text(..) | Statement::Group(_) => Vec::new(),
        Statement::Print(expression) | Statement::Filter(expression, _) => vec![expression],
        Statement::For { over, only_if, .. } => [over].into_iter().chain(only_if).collect(),
        Statement::If(branches, _) => branches.iter().map(|(condition, _)| condition).collect(),
        Statement::Set { value, .. } => vec![value],
        Statement::SetBody { filters, .. } => filters.iter().collect(),
        Statement::Macro { parameters, .. } => {
            parameters.iter().filter_map(|parameter| parameter.default.as_ref()).collect()
        }
        Statement::Load { source, .. } => vec![source],
    }
}
